import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { RawConnection, requestText } from '../support/raw-http.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** What is acknowledged is in the table as it was sent, however it was sent. */
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let service: RunningSluice;
let api: ApiClient;

beforeAll(async () => {
  folder = await openTempFolder();
  const flags = [
    ...demoFlags,
    '--source-http-trusted-proxies',
    '127.0.0.1',
    '--source-http-listen',
    '[::]:0',
    '--source-http-hidden-headers',
    'Authorization,Cookie,X-StorageApi-Token,X-Mine',
  ];
  service = await startSluice({ dataDir: `${folder.path}/data`, flags });
  api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const column = (type: string, rest: object = {}) => ({ type, name: type, ...rest });

/** A source with one sink of these columns; `rows` waits until the table has so many. */
async function openSource(name: string, columns: readonly object[] = [column('body')]) {
  const url = await api.createSource(name);
  await api.createTableSink(name, { sinkId: 'rows', tableId: `in.c-good.${name}`, columns });
  const rows = (count: number, what = '*') =>
    waitFor(
      () => queryRows(`${folder.path}/data`, `SELECT ${what} FROM "in.c-good"."${name}" ORDER BY ALL`),
      (found) => found.length >= count,
    );
  return { url, rows };
}

const json = ['Content-Type: application/json'];

test.concurrent('every byte that a body may hold is in the table; bytes that are no UTF-8 as U+FFFD', async () => {
  const { url, rows } = await openSource('bytes');
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const bodies = [
    all.subarray(0, 128),
    all,
    Buffer.from('a"b""c\r\nd,e\n\n"'),
    Buffer.from(''),
    Buffer.from('\uFEFFbom'),
    Buffer.from('žluťoučký 🐎'),
  ];
  for (const body of bodies) expect(await (await fetch(url, { method: 'POST', body: new Uint8Array(body) })).text()).toBe('OK');
  // As hexadecimal digits: reading text, the driver drops a byte order mark at its start.
  const found = (await rows(bodies.length, 'hex(encode(body))')).map(([digits]) => Buffer.from(String(digits), 'hex').toString('utf8'));
  expect(found).toHaveLength(bodies.length);
  expect(new Set(found)).toEqual(new Set(bodies.map((body) => body.toString('utf8'))));
});

test.concurrent('answers: short, verbose, and for browsers', async () => {
  const { url, rows } = await openSource('answers');
  const short = await fetch(url, { method: 'POST', body: 'short' });
  expect([short.status, short.headers.get('content-type'), short.headers.get('access-control-allow-origin'), await short.text()]).toEqual([
    200,
    'text/plain',
    '*',
    'OK',
  ]);
  expect(short.headers.has('x-sluice-stored')).toBe(false);
  expect(short.headers.has('date')).toBe(false);
  const verbose = await fetch(`${url}?a=b&verbose=true`, { method: 'POST', body: 'verbose' });
  expect([verbose.status, verbose.headers.get('content-type'), await verbose.text()]).toEqual([
    200,
    'application/json',
    `${JSON.stringify(
      {
        statusCode: 200,
        message: 'Successfully written to 1/1 sinks.',
        sources: [
          {
            projectId: 1,
            sourceId: 'answers',
            branchId: 1,
            statusCode: 200,
            message: 'Successfully written to 1/1 sinks.',
            sinks: [{ sinkId: 'rows', statusCode: 200, message: 'processed' }],
          },
        ],
      },
      undefined,
      2,
    )}\n`,
  ]);
  expect(await (await fetch(`${url}?verbose=TRUE`, { method: 'POST', body: 'not verbose' })).text()).toBe('OK');
  const preflight = await fetch(url, { method: 'OPTIONS' });
  expect([preflight.status, await preflight.text(), Object.fromEntries(preflight.headers)]).toEqual([
    200,
    '',
    expect.objectContaining({
      allow: 'OPTIONS, POST',
      'access-control-allow-methods': 'OPTIONS, POST',
      'access-control-allow-headers': '*',
      'access-control-expose-headers': '*',
      'access-control-allow-origin': '*',
      'content-length': '0',
    }),
  ]);
  const health = await fetch(new URL('/health-check', url));
  expect([health.status, health.headers.get('content-type'), await health.text()]).toEqual([200, 'text/plain', 'OK\n']);
  expect(await rows(3)).toEqual([['not verbose'], ['short'], ['verbose']]);
});

test.concurrent('media types with parameters and in any case, forms, and gzip', async () => {
  const { url, rows } = await openSource('types', [column('path', { path: 'id', rawString: true }), column('body')]);
  const send = (body: string | Buffer, headers: Record<string, string>) =>
    fetch(url, { method: 'POST', headers, body: new Uint8Array(Buffer.from(body)) });
  const answers = [
    await send('{"id":"1"}', { 'content-type': 'application/json; charset=utf-8' }),
    await send('{"id":"2"}', { 'content-type': 'Application/Vnd.Events+JSON' }),
    await send('id=3', { 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' }),
    await send(gzipSync('{"id":"4"}'), { 'content-type': 'application/json', 'content-encoding': 'GZip' }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(await rows(4)).toEqual([
    ['1', '{"id":"1"}'],
    ['2', '{"id":"2"}'],
    ['3', 'id=3'],
    ['4', '{"id":"4"}'],
  ]);
});

test.concurrent('templates: what the preview shows is in the table', async () => {
  const template = (name: string, content: string) => ({
    type: 'template',
    name,
    rawString: true,
    template: { language: 'jsonnet', content },
  });
  const columns = [
    column('path', { path: 'id', rawString: true }),
    template('joined', "Body('a.b') + '-' + Body('c.d', 'none') + ' ' + Header('content-type')"),
    template('made', '{ [item.name]: item.price * 2 for item in Body("items") } + { text: BodyStr() }'),
  ];
  const { url, rows } = await openSource('templates', columns);
  const headers = { 'content-type': 'application/json' };
  const bodies = [
    '{"id":"1","a":{"b":"é\\n\\""},"c":{"d":"y"},"items":[{"name":"pump","price":21.05},{"name":"a","price":1}]}',
    '{"id":"2","a":{"b":"x"},"items":[]}',
  ];
  const previews = [];
  for (const body of bodies) {
    previews.push(await api.preview('templates', body));
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(200);
  }
  expect(await rows(2)).toEqual(previews);
  const made = `{"a":2,"pump":42.100000000000001,"text":${JSON.stringify(bodies[0])}}`;
  expect(previews[0]).toEqual(['1', 'é\n"-y application/json', made]);
  expect(previews[1]?.[1]).toBe('x-none application/json');
});

test.concurrent('the secret in the path or in the header; neither it nor other credentials in the headers column', async () => {
  const { url, rows } = await openSource('headers', [column('body'), column('headers')]);
  const secret = url.split('/').at(-1) ?? '';
  const withoutSecret = url.slice(0, -secret.length - 1);
  const headers = {
    'x-mine': 'hidden',
    'X-A': '1',
    cookie: 'session=hidden',
    'x-storageapi-token': 'hidden',
    authorization: `bearer ${secret}`,
  };
  const answer = await fetch(withoutSecret, { method: 'POST', headers: { ...headers, 'x-b': 'b' }, body: 'header' });
  expect([answer.status, await answer.text()]).toEqual([200, 'OK']);
  expect((await fetch(withoutSecret, { method: 'OPTIONS' })).headers.get('access-control-allow-headers')).toBe('Authorization, *');
  const [row] = await rows(1);
  const stored = JSON.parse(String(row?.[1]));
  expect(stored).toMatchObject({ 'X-A': '1', 'X-B': 'b' });
  expect(Object.keys(stored)).not.toEqual(expect.arrayContaining([expect.stringMatching(/authorization|cookie|token/i)]));
  expect(String(row?.[1])).not.toContain(secret);
  expect(String(row?.[1])).not.toContain('hidden');
});

test.concurrent('the client address: IPv4, IPv6, and behind a trusted proxy', async () => {
  const { url, rows } = await openSource('addresses', [column('body'), column('ip')]);
  const { port, pathname } = new URL(url);
  const post = (host: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`http://${host}:${port}${pathname}`, { method: 'POST', headers, body });
  await post('127.0.0.1', 'v4');
  await post('[::1]', 'v6');
  await post('127.0.0.1', 'proxied', { 'x-forwarded-for': 'claimed, 203.0.113.7:1234' });
  await post('[::1]', 'untrusted', { 'x-forwarded-for': '203.0.113.7' });
  expect(await rows(4)).toEqual([
    ['proxied', '203.0.113.7'],
    ['untrusted', '::1'],
    ['v4', '127.0.0.1'],
    ['v6', '::1'],
  ]);
});

test.concurrent('many requests on one connection, one after the other and all at once', async () => {
  const { url, rows } = await openSource('pipelined');
  await using connection = await RawConnection.open(url);
  for (const body of ['first', 'second']) {
    expect(await connection.write(requestText(url, { body })).answer()).toMatchObject({ status: 200, body: 'OK' });
  }
  const wrong = requestText(`${url.slice(0, -1)}-`, { body: 'wrong' });
  const health = requestText(new URL('/health-check', url).href, { method: 'GET' });
  connection.write([requestText(url, { body: 'third' }), wrong, health, requestText(url, { body: 'fourth' })].join(''));
  const answers = [await connection.answer(), await connection.answer(), await connection.answer(), await connection.answer()];
  expect(answers.map((answer) => [answer?.status, answer?.body.slice(0, 3)])).toEqual([
    [200, 'OK'],
    [404, '{\n '],
    [200, 'OK\n'],
    [200, 'OK'],
  ]);
  expect(await rows(4)).toEqual([['first'], ['fourth'], ['second'], ['third']]);
});

test.concurrent('a request in small pieces, in chunks, after 100 Continue, and in the absolute form', async () => {
  const { url, rows } = await openSource('pieces', [column('path', { path: 'id', rawString: true })]);
  await using connection = await RawConnection.open(url);
  for (const byte of requestText(url, { headers: json, body: '{"id":"slow"}' })) {
    if (!connection.socket.write(byte)) await once(connection.socket, 'drain');
  }
  expect(await connection.answer()).toMatchObject({ status: 200 });
  const head = (headers: readonly string[]) => requestText(url, { headers: [...json, ...headers] });
  const chunked = head(['Transfer-Encoding: chunked']).replace('Content-Length: 0\r\n', '');
  connection.write(`${chunked}7;a=b\r\n{"id":"\r\n`).write('4\r\nchun\r\n2\r\n"}\r\n0\r\nTrailer: x\r\n\r\n');
  expect(await connection.answer()).toMatchObject({ status: 200 });
  connection.write(head(['Expect: 100-continue']).replace('Content-Length: 0', 'Content-Length: 12'));
  expect(await connection.answer()).toMatchObject({ status: 100 });
  connection.write('{"id":"cont"}'.slice(0, 12));
  expect(await connection.answer()).toMatchObject({ status: 400 });
  connection.write(head(['Expect: 100-continue']).replace('Content-Length: 0', 'Content-Length: 13'));
  expect(await connection.answer()).toMatchObject({ status: 100 });
  expect(await connection.write('{"id":"cont"}').answer()).toMatchObject({ status: 200 });
  const absolute = requestText(url, { headers: json, body: '{"id":"absolute"}' }).replace('POST /', `POST ${new URL(url).origin}/`);
  expect(await connection.write(absolute).answer()).toMatchObject({ status: 200 });
  expect(await rows(4)).toEqual([['absolute'], ['chun'], ['cont'], ['slow']]);
});

test.concurrent('a client that does not wait for its answer: its record is stored whole or not at all', async () => {
  const { url, rows } = await openSource('impatient');
  for (let count = 0; count < 20; count += 1) {
    const connection = await RawConnection.open(url);
    connection.write(requestText(url, { body: `gone ${count}` }));
    await connection[Symbol.asyncDispose]();
  }
  expect(await (await fetch(url, { method: 'POST', body: 'last' })).text()).toBe('OK');
  const stored = (
    await waitFor(
      () => rows(1),
      (found) => found.some(([text]) => text === 'last'),
    )
  ).map(([text]) => String(text));
  expect(stored).toContain('last');
  expect(new Set(stored).size).toBe(stored.length);
  for (const text of stored) expect(text).toMatch(/^(?:last|gone \d+)$/);
});

test('a large body is counted whole, though its memory is given back before the answer', async () => {
  const { url, rows } = await openSource('counted');
  const counted = async () => {
    const metrics = await (await fetch(new URL('/metrics', service.urls['operations']))).text();
    return Number(/^sluice_ingest_bytes_total (\d+)$/m.exec(metrics)?.[1]);
  };
  const before = await counted();
  expect((await fetch(url, { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(200);
  expect((await counted()) - before).toBe(100_000);
  expect(await rows(1, 'length(body)')).toEqual([[100_000]]);
});
