import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import tls, { connect as connectTls, TLSSocket } from 'node:tls';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { openTempFolder } from '../../../test/support/temp-folder.ts';
import { makeCertificate, writeCertificate } from '../../../test/support/test-certificate.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { openHttpServerPart } from '../lifecycle/http-server-part.ts';
import { MetricRegistry } from '../observe/metrics.ts';
import { createLogger } from '../observe/pino-logger.ts';
import { Certificate } from './certificate.ts';
import { tlsMetricTable } from './tls-metrics.ts';
import type { TlsFiles } from './tls-pair.ts';
import { createWebServer } from './web-server.ts';

let [one, two]: TlsFiles[] = [];

beforeAll(async () => {
  [one, two] = await Promise.all([makeCertificate('one'), makeCertificate('two')]);
});

const day = 86_400_000;
const isReal = (pair: TlsFiles | undefined): TlsFiles => pair ?? { cert: '', key: '' };

/** A listener with the certificate `one`, whose looks at the files the test makes. */
async function openListener() {
  const folder = await openTempFolder();
  const files = { cert: `${folder.path}/cert.pem`, key: `${folder.path}/key.pem` };
  await writeCertificate(files, isReal(one));
  const clock = Object.assign(new TestClock(), { now: () => Date.now() });
  const lines: { msg: string; level: string; error?: string; expiresAt?: string }[] = [];
  const logger = createLogger({ level: 'info', name: 'test', destination: { write: (line) => lines.push(JSON.parse(line)) } });
  const registry = new MetricRegistry();
  let fire = () => {};
  let armed = Promise.withResolvers<void>();
  const startTimer = (_delayMs: number, callback: () => void) => {
    fire = callback;
    armed.resolve();
    return () => {};
  };
  const metrics = registry.declare(tlsMetricTable);
  const certificate = await Certificate.open({ listener: 'api', files, metrics, clock, logger, startTimer });
  const server = createWebServer({ headersTimeout: 120_000 }, certificate).on('request', (request, response) => {
    if (request.url === '/half') request.socket.once('end', () => setImmediate(() => response.end('heard')));
    else response.end('heard');
  });
  const part = await openHttpServerPart({ name: 'api', server, at: { host: '127.0.0.1', port: 0 } });
  const stop = new AbortController();
  const running = Promise.all([part.run(stop.signal), certificate.run(stop.signal)]);
  onTestFinished(async () => {
    stop.abort();
    await running;
    await folder[Symbol.asyncDispose]();
  });
  const { port } = part.address;
  return {
    ...{ files, clock, lines, port, part, stop, running },
    metrics: () => registry.text(),
    /** One look at the files, to its end. */
    look: async () => {
      armed = Promise.withResolvers();
      fire();
      await armed.promise;
    },
    /** Subject that a new connection is shown. */
    shown: async () => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return CN;
    },
  };
}

test('a changed pair is taken for new connections after two looks; open ones stay and are answered', async () => {
  const { files, look, shown, port, lines } = await openListener();
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
  onTestFinished(() => agent.destroy());
  const ask = async () => {
    const outgoing = request({ port, host: '127.0.0.1', agent }).end();
    const [response] = await once(outgoing, 'response');
    const { socket } = outgoing;
    if (!(socket instanceof TLSSocket)) throw new Error('no TLS');
    return { answer: await text(response), name: socket.getPeerCertificate().subject.CN, isOld: outgoing.reusedSocket };
  };
  expect(await ask()).toEqual({ answer: 'heard', name: 'one', isOld: false });
  await writeCertificate(files, isReal(two));
  await look();
  expect(await shown()).toBe('one');
  await look();
  expect(await shown()).toBe('two');
  expect(await ask()).toEqual({ answer: 'heard', name: 'one', isOld: true });
  expect(lines.map(({ msg, level }) => `${level}: ${msg}`)).toEqual(['info: the certificate is in use', 'info: the certificate is in use']);
  expect(lines[0]?.expiresAt).toMatch(/Z$/);
});

test.each([
  [
    'only one of the two is changed',
    (files: TlsFiles) => writeFile(files.cert, isReal(two).cert),
    'the key is not that of the certificate',
  ],
  ['the certificate is cut', (files: TlsFiles) => writeFile(files.cert, isReal(one).cert.slice(0, 200)), 'PEM'],
  ['the key is empty', (files: TlsFiles) => writeFile(files.key, ''), 'DECODER'],
  ['a file is gone', (files: TlsFiles) => rm(files.key), 'ENOENT'],
])('%s: refused with one line, the old one stays, and a whole pair is taken later', async (_name, damage, reason) => {
  const { files, look, shown, lines, metrics } = await openListener();
  await damage(files);
  for (let count = 0; count < 4; count += 1) await look();
  const refusals = lines.filter(({ level }) => level === 'error');
  expect(refusals).toEqual([
    expect.objectContaining({
      msg: 'a changed certificate is refused, the one before stays in use',
      certFile: files.cert,
      error: expect.stringContaining(reason),
    }),
  ]);
  expect(JSON.stringify(lines)).not.toContain('-----');
  expect(await shown()).toBe('one');
  expect(await metrics()).toContain('sluice_tls_certificates_refused_total{listener="api"} 1');
  await writeCertificate(files, isReal(two));
  for (let count = 0; count < 2; count += 1) await look();
  expect(await shown()).toBe('two');
});

test('a pair that is expired is refused; the metric says when the one in use expires', async () => {
  const { files, look, shown, lines, clock, metrics } = await openListener();
  const expires = Number(/certificate_expires_seconds\{listener="api"\} (\d+)/.exec(await metrics())?.[1]);
  expect(Math.abs(expires * 1000 - Date.now() - day)).toBeLessThan(600_000);
  clock.now = () => Date.now() + 2 * day;
  await writeCertificate(files, isReal(two));
  for (let count = 0; count < 2; count += 1) await look();
  expect(await shown()).toBe('one');
  expect(lines.at(-1)?.error).toMatch(/^it expired at 2/);
});

test('a start without a usable pair is configInvalid, and names the files', async () => {
  const files = { cert: '/nowhere/cert.pem', key: '/nowhere/key.pem' };
  const metrics = new MetricRegistry().declare(tlsMetricTable);
  const logger = createLogger({ level: 'error', name: 'test' });
  await expect(Certificate.open({ listener: 'api', files, metrics, clock: new TestClock(), logger })).rejects.toMatchObject({
    code: 'configInvalid',
    message: expect.stringMatching(/^api cannot use the certificate \/nowhere\/cert.pem with the key \/nowhere\/key.pem: ENOENT/),
  });
});

test('TLS 1.1 is refused, whatever the process permits, and the failed handshake is counted', async () => {
  const before = { DEFAULT_MIN_VERSION: tls.DEFAULT_MIN_VERSION, DEFAULT_CIPHERS: tls.DEFAULT_CIPHERS };
  onTestFinished(() => void Object.assign(tls, before));
  Object.assign(tls, { DEFAULT_MIN_VERSION: 'TLSv1', DEFAULT_CIPHERS: 'DEFAULT@SECLEVEL=0' });
  const { port, metrics } = await openListener();
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...old });
  const [error] = await once(socket, 'error');
  expect(error).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
  expect(await metrics()).toContain('sluice_tls_handshake_failures_total{listener="api"} 1');
  const recent = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
  await once(recent, 'secureConnect');
  recent.destroy();
});

test('a connection that never began its handshake does not hold up a stop', async () => {
  const { port, part, stop, running } = await openListener();
  const silent = connect(port, '127.0.0.1');
  const ended = once(silent, 'close');
  silent.on('error', () => {});
  await once(silent, 'connect');
  await part.stopAccepting();
  await part.drain(20_000);
  stop.abort();
  await running;
  await ended;
});

test('a client that ends its side behind its request is answered over TLS, too', async () => {
  const { port } = await openListener();
  // The types of `connect` do not name `allowHalfOpen`.
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true };
  const socket = connectTls(options);
  await once(socket, 'secureConnect');
  socket.end('GET /half HTTP/1.1\r\nHost: api\r\n\r\n');
  expect(await text(socket)).toMatch(/heard$/);
  socket.destroy();
});
