import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { disableSink, enableSink } from '@sluice/contract/operations';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { RawConnection, requestText } from '../support/raw-http.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** What clients, proxies and attackers do to the listener beside plain requests; one service takes all of it at the same time. */
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let service: RunningSluice;
let api: ApiClient;

beforeAll(async () => {
  folder = await openTempFolder();
  const flags = [
    ...demoFlags,
    ...['--source-http-listen', '[::]:0', '--source-http-trusted-proxies', '127.0.0.0/8,2001:db8::/32'],
    ...['--source-http-header-timeout', '1s', '--source-http-request-timeout', '2s', '--source-http-max-header-size', '4KB'],
  ];
  service = await startSluice({ dataDir: `${folder.path}/data`, flags });
  api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const column = (type: string) => ({ type, name: type });

/** A source with one sink of these columns; `rows` waits until its table has so many. */
async function openSource(name: string, types: readonly string[] = ['body']) {
  const url = await api.createSource(name);
  await api.createTableSink(name, { sinkId: 'rows', tableId: `in.c-edge.${name}`, columns: types.map(column) });
  const rows = (count: number) =>
    waitFor(
      () => queryRows(`${folder.path}/data`, `SELECT * FROM "in.c-edge"."${name}" ORDER BY ALL`),
      (found) => found.length >= count,
    );
  return { url, rows };
}

test.concurrent('a client that ends its side behind its requests hears every answer', async () => {
  const { url, rows } = await openSource('halves');
  const halfOpen = () => connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
  const whole = halfOpen();
  whole.end(requestText(url, { body: 'one' }) + requestText(url, { body: 'two' }));
  expect((await text(whole)).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  whole.destroy();
  const cut = halfOpen();
  cut.end(requestText(url).replace('Content-Length: 0', 'Content-Length: 10').concat('half'));
  expect(await text(cut)).toMatch(/^HTTP\/1\.1 400 /);
  cut.destroy();
  expect(await rows(2)).toEqual([['one'], ['two']]);
});

test.concurrent('five hundred pipelined requests: answers in order; every byte as a body of its own', async () => {
  const { url, rows } = await openSource('pipelined');
  const wrong = requestText(`${url.slice(0, -1)}-`, { body: 'wrong' });
  const bytes = Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]));
  const requests = bytes.flatMap((body) => [
    // Every other one in chunks, and with an expectation that nobody knows.
    body.readUInt8() % 2 === 0
      ? Buffer.concat([Buffer.from(requestText(url).replace('Content-Length: 0', 'Content-Length: 1')), body])
      : Buffer.concat([
          Buffer.from(requestText(url, { headers: ['Expect: tea'] }).replace('Content-Length: 0', 'Transfer-Encoding: chunked')),
          Buffer.from('1\r\n'),
          body,
          Buffer.from('\r\n0\r\n\r\n'),
        ]),
    Buffer.from(wrong),
  ]);
  await using connection = await RawConnection.open(url);
  connection.write(Buffer.concat(requests));
  const statuses: unknown[] = [];
  while (statuses.length < requests.length) {
    const answer = await connection.answer();
    statuses.push(answer && [answer.status, answer.headers['server']]);
    if (!answer) break;
  }
  const server = 'Sluice/HTTPSource';
  expect(statuses).toEqual(requests.map((_, index) => [index % 2 === 0 ? 200 : 404, server]));
  const found = (await rows(256)).map(([body]) => String(body));
  const sent = bytes.map((body) => body.toString('utf8'));
  expect(found).toHaveLength(256);
  expect(Map.groupBy(found, String)).toEqual(Map.groupBy(sent, String));
});

test.concurrent('slow headers, bodies and chunks, a byte now and then: cut off with 408, and others are served meanwhile', async () => {
  const { url, rows } = await openSource('slow');
  const length = requestText(url).replace('Content-Length: 0', 'Content-Length: 1000');
  const chunked = requestText(url).replace('Content-Length: 0', 'Transfer-Encoding: chunked');
  const heads = [
    { start: 'POST /stream HTTP/1.1\r\nX-Slow: ', drip: 'x' },
    { start: length, drip: 'x' },
    { start: chunked, drip: '1\r\nx\r\n' },
  ];
  const slow = Array.from({ length: 60 }, async (_, index) => {
    const { start, drip } = heads[index % heads.length] ?? { start: '', drip: '' };
    await using connection = await RawConnection.open(url);
    connection.write(start);
    const answer = connection.answer();
    const dripping = new AbortController();
    const drips = (async () => {
      while (!dripping.signal.aborted) {
        await sleep(100);
        if (connection.socket.writable) connection.write(drip);
      }
    })();
    const status = (await answer)?.status;
    dripping.abort();
    await drips;
    return status;
  });
  const all = Promise.all(slow);
  let isOver = false;
  const ended = all.finally(() => {
    isOver = true;
  });
  let posted = 0;
  for (; !isOver || posted === 0; posted += 1) expect((await fetch(url, { method: 'POST', body: `${posted}` })).status).toBe(200);
  expect(await ended).toEqual(slow.map(() => 408));
  expect(await rows(posted)).toHaveLength(posted);
});

test.concurrent('floods of headers: refused when they are too large together, all kept when they are not', async () => {
  const { url, rows } = await openSource('floods', ['headers']);
  const endless = [
    `POST /${'x'.repeat(6000)}`,
    `POST / HTTP/1.1\r\nX-Endless: ${'x'.repeat(6000)}`,
    `POST / HTTP/1.1\r\n${'A: b\r\n'.repeat(3000)}`,
  ];
  const flood = Array.from({ length: 60 }, async (_, index) => {
    await using connection = await RawConnection.open(url);
    connection.write(endless[index % endless.length] ?? '');
    return (await connection.answer())?.status;
  });
  expect(await Promise.all(flood)).toEqual(flood.map(() => 431));
  const many = Array.from({ length: 300 }, (_, index) => `H-${index}: 1`);
  await using connection = await RawConnection.open(url);
  expect(await connection.write(requestText(url, { headers: many, body: 'x' })).answer()).toMatchObject({ status: 200 });
  const [row] = await rows(1);
  const stored: object = JSON.parse(String(row?.[0]));
  expect(Object.keys(stored).filter((name) => name.startsWith('H-'))).toHaveLength(300);
});

test.concurrent('the client address behind chains of proxies', async () => {
  const { url, rows } = await openSource('proxies', ['body', 'ip']);
  const { port } = new URL(url);
  const send = async (host: string, body: string, ...headers: readonly string[]) => {
    await using connection = await RawConnection.open(`http://${host}:${port}`);
    expect(await connection.write(requestText(url, { headers, body })).answer()).toMatchObject({ status: 200 });
  };
  const forwarded = (...hops: readonly string[]) => hops.map((hop) => `X-Forwarded-For: ${hop}`);
  await send('127.0.0.1', 'a chain', ...forwarded('198.51.100.1, 203.0.113.7, 127.0.0.9'));
  await send('127.0.0.1', 'several lines', ...forwarded('198.51.100.1', '203.0.113.8', '[2001:db8::1]:443'));
  await send('127.0.0.1', 'IPv6', ...forwarded('[2001:db9::5]:1234'));
  await send('127.0.0.1', 'garbage', ...forwarded('unknown, , 999.1.1.1, _hidden'));
  await send('127.0.0.1', 'real', 'X-Real-Ip: 203.0.113.9');
  await send('[::1]', 'not trusted', ...forwarded('203.0.113.7'));
  expect(await rows(6)).toEqual([
    ['IPv6', '2001:db9::5'],
    ['a chain', '203.0.113.7'],
    ['garbage', '127.0.0.1'],
    ['not trusted', '::1'],
    ['real', '203.0.113.9'],
    ['several lines', '203.0.113.8'],
  ]);
});

test.concurrent('a disabled sink takes nothing: said where it is the only one, silent beside another', async () => {
  const { url, rows } = await openSource('switched');
  const sink = { params: { sourceId: 'switched', sinkId: 'rows' } };
  const post = async (body: string) => {
    const answer = await fetch(url, { method: 'POST', body });
    return [answer.status, answer.headers.get('x-sluice-stored'), await answer.text()];
  };
  expect(await post('enabled')).toEqual([200, null, 'OK']);
  await api.run(disableSink, sink);
  expect(await post('disabled')).toEqual([200, 'none', 'OK']);
  await api.createTableSink('switched', { sinkId: 'other', tableId: 'in.c-edge.other', columns: [column('body')] });
  expect(await post('other')).toEqual([200, null, 'OK']);
  await api.run(enableSink, sink);
  expect(await post('both')).toEqual([200, null, 'OK']);
  expect(await rows(2)).toEqual([['both'], ['enabled']]);
  const others = () => queryRows(`${folder.path}/data`, 'SELECT body FROM "in.c-edge".other ORDER BY ALL');
  expect(await waitFor(others, (found) => found.length >= 2)).toEqual([['both'], ['other']]);
});

test('a listener on an IPv6 address; idle connections that time out, and more than may be open, while it drains', async () => {
  await using own = await openTempFolder();
  const flags = ['--source-http-listen', '[::1]:0', '--source-http-idle-timeout', '1s', '--source-http-max-connections', '100'];
  await using server = await startSluice({ dataDir: `${own.path}/data`, flags: [...demoFlags, ...flags] });
  expect(server.urls['http-source']).toMatch(/^http:\/\/\[::1\]:\d+$/);
  const url = await new ApiClient({ apiUrl: server.urls['api'] ?? '', token: server.token ?? '' }).createSource('six');
  expect(url).toContain('http://[::1]:');

  await using held = await RawConnection.open(url);
  held.write(requestText(url, { headers: ['Expect: 100-continue'] }).replace('Content-Length: 0', 'Content-Length: 4'));
  expect(await held.answer()).toMatchObject({ status: 100 });
  await using idle = await RawConnection.open(url);
  const errors: unknown[] = [];
  idle.socket.on('error', (error) => errors.push(error));
  expect(await idle.write(requestText(url, { body: 'x' })).answer()).toMatchObject({ status: 200, headers: { connection: 'keep-alive' } });

  const others = await Promise.all(Array.from({ length: 98 }, () => RawConnection.open(url)));
  // Taken by the system, closed by the service.
  await using further = await RawConnection.open(url);
  expect(await further.answer()).toBeUndefined();
  await Promise.all(others.map((connection) => connection[Symbol.asyncDispose]()));
  const again = async () => {
    await using connection = await RawConnection.open(url);
    return (await connection.write(requestText(url, { body: 'x' })).answer())?.status;
  };
  expect(await waitFor(again, (status) => status === 200)).toBe(200);

  const stopped = server.stop();
  const idleEnd = once(idle.socket, 'close');
  expect(await idle.answer()).toBeUndefined();
  await idleEnd;
  expect(errors).toEqual([]);
  expect(server.process.exitCode).toBeNull();
  expect(await held.write('held').answer()).toMatchObject({ status: 200, headers: { connection: 'close' } });
  expect(await stopped).toBe(0);
});
