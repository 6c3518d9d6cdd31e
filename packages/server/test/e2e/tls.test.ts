import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { runSluice } from '../support/run-sluice.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { makeCertificate, writeCertificate } from '../support/test-certificate.ts';
import { waitFor } from '../support/wait-for.ts';

/** Events and the API over TLS, and a certificate that is exchanged while clients send. */
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let service: RunningSluice;
let dataDir: string;
let url: string;

const filesOf = () => ({ cert: `${folder.path}/cert.pem`, key: `${folder.path}/key.pem` });
const sourceFlags = () => ['--source-http-tls-cert', filesOf().cert, '--source-http-tls-key', filesOf().key];

beforeAll(async () => {
  folder = await openTempFolder();
  dataDir = `${folder.path}/data`;
  await writeCertificate(filesOf(), await makeCertificate('first'));
  service = await startSluice({ dataDir, flags: [...demoFlags, ...sourceFlags()] });
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  url = await api.createSource('secure');
  await api.createTableSink('secure', { sinkId: 'rows', tableId: 'in.c-tls.rows', columns: [{ type: 'body', name: 'body' }] });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Exchange {
  readonly agent?: Agent;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function exchange(target: string, { agent, method = 'POST', headers = {}, body = '' }: Exchange = {}) {
  const outgoing = request(target, { method, headers, rejectUnauthorized: false, ...(agent && { agent }) }).end(body);
  const [response] = await once(outgoing, 'response');
  return { status: response.statusCode, body: await text(response), isReused: outgoing.reusedSocket };
}

async function shownName(): Promise<string> {
  const { port } = new URL(url);
  const socket = connectTls({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

test('URLs say https, events are stored, and a certificate is exchanged under clients that keep their connections', async () => {
  expect(service.urls['http-source']).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect(service.urls['api']).toMatch(/^http:/);
  expect(url.startsWith(`${service.urls['http-source']}/stream/`)).toBe(true);
  const stop = new AbortController();
  const clients = Array.from({ length: 4 }, async (_, client) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sent: string[] = [];
    let opened = 0;
    while (!stop.signal.aborted) {
      const body = `client ${client} event ${sent.length}`;
      const answer = await exchange(url, { agent, body });
      expect([answer.status, answer.body]).toEqual([200, 'OK']);
      if (!answer.isReused) opened += 1;
      sent.push(body);
    }
    agent.destroy();
    return { sent, opened };
  });
  const { cert } = await makeCertificate('broken');
  await writeCertificate(filesOf(), { cert, key: 'no key' });
  await waitFor(
    async () => service.log(),
    (log) => log.includes('a changed certificate is refused'),
  );
  expect(await shownName()).toBe('first');
  await writeCertificate(filesOf(), await makeCertificate('second'));
  expect(await waitFor(shownName, (name) => name === 'second')).toBe('second');
  stop.abort();
  const results = await Promise.all(clients);
  expect(results.map(({ opened }) => opened)).toEqual([1, 1, 1, 1]);
  const all = results.flatMap(({ sent }) => sent);
  const rows = () => queryRows(dataDir, 'SELECT body FROM "in.c-tls".rows');
  const found = await waitFor(rows, (stored) => stored.length >= all.length);
  expect(found).toHaveLength(all.length);
  expect(new Set(found.map(([body]) => body))).toEqual(new Set(all));
  expect(service.log()).not.toContain('-----BEGIN');
  const metrics = await (await fetch(new URL('/metrics', service.urls['operations']))).text();
  expect(metrics).toMatch(/^sluice_tls_certificate_expires_seconds\{listener="http-source"\} \d{10}$/m);
});

/** All that a client hears who does not know of TLS. */
async function heardPlain(port: string): Promise<string> {
  const plain = connect(Number(port), '127.0.0.1');
  plain.write('POST /stream/1/secure/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
  plain.on('error', () => {});
  let heard = '';
  plain.setEncoding('latin1').on('data', (chunk) => {
    heard += chunk;
  });
  await once(plain, 'close');
  return heard;
}

test('what is no TLS is cut off, and the error answers are those of the plain listener', async () => {
  const { port } = new URL(url);
  // At most a TLS alert.
  expect(await heardPlain(port)).not.toContain('HTTP/');
  expect(await exchange(`${url}wrong`)).toMatchObject({ status: 404 });
  const garbage = connectTls({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false });
  garbage.write('hello\r\n\r\n');
  expect(await text(garbage)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
});

test('the API over TLS; a silent connection does not hold up the stop, and half a pair is a problem of the configuration', async () => {
  await service.stop();
  const { cert, key } = filesOf();
  const { token } = service;
  service = await startSluice({ dataDir, flags: [...demoFlags, ...sourceFlags(), '--api-tls-cert', cert, '--api-tls-key', key] });
  const apiUrl = service.urls['api'] ?? '';
  expect(apiUrl).toMatch(/^https:/);
  expect(await heardPlain(new URL(apiUrl).port)).not.toContain('HTTP/');
  const headers = { 'X-StorageApi-Token': token ?? '' };
  const source = await exchange(`${apiUrl}/v1/branches/default/sources/secure`, { method: 'GET', headers });
  expect(source.status).toBe(200);
  expect(JSON.parse(source.body)).toMatchObject({ http: { url: expect.stringMatching(/^https:/) } });
  const silent = connect(Number(new URL(apiUrl).port), '127.0.0.1');
  silent.on('error', () => {});
  await once(silent, 'connect');
  expect(await service.stop()).toBe(0);
  expect(service.log()).not.toMatch(/late|"level":"error"/);
  const half = await runSluice('all', '--data-dir', dataDir, '--api-tls-cert', cert);
  expect([half.code, half.err]).toEqual([64, expect.stringContaining('api.tls: TLS needs both files, cert and key.')]);
  const none = await runSluice('all', '--data-dir', dataDir, '--port-base', '0', '--api-tls-cert', cert, '--api-tls-key', `${key}.nowhere`);
  expect([none.code, none.err]).toEqual([64, expect.stringMatching(/api cannot use the certificate .*nowhere: ENOENT/)]);
});
