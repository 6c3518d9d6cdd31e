import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { RawConnection, rawExchange, requestText } from '../support/raw-http.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * What must not become a row: every request here is refused with the status, body and headers of the ingest API, nothing of
 * it is stored, and the service goes on. The last tests look at the tables and at the log of all of it.
 */
const limits = [
  ...['--source-http-max-request-body-size', '20KB', '--source-http-max-header-size', '4KB'],
  ...['--source-http-header-timeout', '1s', '--source-http-request-timeout', '2s'],
  ...['--storage-level-local-encoding-row-size-limit', '24KB', '--log-level', 'debug'],
];
const cors = { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' };
const wrongSecret = 'w'.repeat(48);

let folder: Awaited<ReturnType<typeof openTempFolder>>;
let service: RunningSluice;
/** URL with the secret. */
let url: string;
let emptyUrl: string;
let templatesUrl: string;

beforeAll(async () => {
  folder = await openTempFolder();
  service = await startSluice({ dataDir: `${folder.path}/data`, flags: [...demoFlags, ...limits] });
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  url = await api.createSource('events');
  emptyUrl = await api.createSource('empty');
  const id = { type: 'path', name: 'id', path: 'id', rawString: true };
  await api.createTableSink('events', { sinkId: 'ids', tableId: 'in.c-bad.ids', columns: [id] });
  const twice = [
    { type: 'body', name: 'one' },
    { type: 'body', name: 'two' },
  ];
  templatesUrl = await api.createSource('templates');
  const template = (name: string, content: string) => ({ type: 'template', name, template: { language: 'jsonnet', content } });
  const columns = [
    template('text', "'id ' + Body('id')"),
    template('endless', "local f(n) = if n then f(n) else ''; f(Body('loops', false))"),
  ];
  await api.createTableSink('templates', { sinkId: 'rows', tableId: 'in.c-bad.templates', columns });
  await api.createTableSink('events', { sinkId: 'bodies', tableId: 'in.c-bad.bodies', columns: twice });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const at = (path: string) => new URL(path, url).href;
const withSecret = (secret: string) => url.replace(/[^/]+$/, secret);

interface Expected {
  readonly status: number;
  readonly error: string;
  readonly message: string;
}

const noSource = {
  status: 404,
  error: 'stream.in.noSourceFound',
  message: 'The specified combination of projectID, sourceID and secret was not found.',
};
const noRoute = {
  status: 404,
  error: 'stream.in.routeNotFound',
  message: 'Not found, please send data using POST /stream/<projectID>/<sourceID>/<secret>',
};

async function expectRefusal(answer: Response, { status, error, message }: Expected): Promise<void> {
  const text = await answer.text();
  expect({ status: answer.status, body: JSON.parse(text) }).toEqual({ status, body: { statusCode: status, error, message } });
  // Two spaces, a new line at the end, HTML-escaped.
  expect(text).toMatch(/^\{\n {2}"statusCode": [\s\S]*\n\}\n$/);
  expect(text).not.toMatch(/[<>&]/);
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.headers.get('server')).toBe('Sluice/HTTPSource');
  expect(Object.fromEntries(answer.headers)).toMatchObject(cors);
  expect(answer.headers.has('date')).toBe(false);
  expect(answer.headers.has('x-sluice-stored')).toBe(false);
}

describe('paths and secrets', () => {
  test.each([
    ['a wrong secret', () => withSecret(wrongSecret), noSource],
    ['an empty secret', () => withSecret(''), noSource],
    ['an unknown source', () => at(`/stream/1/nobody/${wrongSecret}`), noSource],
    ['an unknown project', () => url.replace('/stream/1/', '/stream/2/'), noSource],
    ['the secret of another source', () => url.replace('/events/', '/empty/'), noSource],
    [
      'a project that is no number',
      () => url.replace('/stream/1/', '/stream/foo/'),
      { status: 400, error: 'stream.in.badRequest', message: 'Invalid project ID "foo".' },
    ],
    ['an unknown path', () => at('/nope'), noRoute],
    ['a path that is too long', () => `${url}/more`, noRoute],
    ['no secret at all', () => at('/stream/1/events'), noRoute],
    ['the root', () => at('/'), noRoute],
  ])('%s', async (_name, target, expected) => {
    await expectRefusal(await fetch(target(), { method: 'POST', body: '{"id":"x"}' }), expected);
  });

  test('a wrong secret in the header', async () => {
    for (const authorization of [`Bearer ${wrongSecret}`, 'Basic eA==', 'Bearer']) {
      const answer = await fetch(at('/stream/1/events'), { method: 'POST', headers: { authorization }, body: '{"id":"x"}' });
      await expectRefusal(answer, noSource);
    }
  });

  test('other methods on a known path', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await fetch(url, { method });
      expect([answer.status, answer.headers.get('allow'), await answer.text()]).toEqual([405, 'OPTIONS, POST', '']);
    }
    const health = await fetch(at('/health-check'), { method: 'POST' });
    expect([health.status, health.headers.get('allow')]).toEqual([405, 'GET, OPTIONS']);
  });
});

describe('bodies', () => {
  const json = (body: string | Buffer, type = 'application/json', headers: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', headers: { 'content-type': type, ...headers }, body: new Uint8Array(Buffer.from(body)) });

  test.each([
    ['malformed JSON', () => json('{"id":'), 400, 'badRequest'],
    ['a missing path', () => json('{"other":1}'), 422, 'unprocessableContent'],
    ['another media type', () => json('{"id":"x"}', 'text/plain'), 415, 'unsupportedMediaType'],
    ['a broken form', () => json('a=%zz', 'application/x-www-form-urlencoded'), 400, 'badRequest'],
    ['a row that is too large', () => json(JSON.stringify({ id: 'x', padding: 'p'.repeat(15_000) })), 413, 'payloadTooLarge'],
  ])('%s: refused in all sinks, the one at fault is named', async (_name, send, status, error) => {
    const answer = await send();
    const body = JSON.parse(await answer.text());
    expect(body).toMatchObject({
      statusCode: status,
      error: 'stream.in.writeFailed',
      message: 'Written to 0/2 sinks.',
      sources: [{ projectId: 1, sourceId: 'events', branchId: 1, statusCode: status, message: 'Written to 0/2 sinks.' }],
    });
    expect(body.sources[0].sinks).toHaveLength(2);
    expect(body.sources[0].sinks).toContainEqual({
      sinkId: expect.any(String),
      statusCode: status,
      error: `stream.in.${error}`,
      message: expect.stringMatching(/^Invalid value for column "\w+": /),
    });
    expect(body.sources[0].sinks).toContainEqual({
      sinkId: expect.any(String),
      statusCode: status,
      error: 'stream.in.requestRefused',
      message: 'Not stored, because another sink cannot take the record.',
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.has('x-sluice-stored')).toBe(false);
  });

  test.each([
    ['a missing path', '{}', 422, 'unprocessableContent', 'text": path "id" not found in the body.'],
    ['malformed JSON', '{"id":', 400, 'badRequest', 'text": cannot parse request body:\n- invalid JSON: unexpected end of the body.'],
    ['a budget', '{"id":"x","loops":true}', 422, 'unprocessableContent', 'endless": max stack frames exceeded.'],
  ])('a template without a value, by %s: the column is named', async (_name, body, status, error, rest) => {
    const answer = await fetch(templatesUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(answer.status).toBe(status);
    expect(JSON.parse(await answer.text()).sources[0].sinks).toEqual([
      { sinkId: 'rows', statusCode: status, error: `stream.in.${error}`, message: `Invalid value for column "${rest}` },
    ]);
    const good = await fetch(templatesUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":"x"}' });
    expect(good.status).toBe(200);
  });

  test.each([
    [
      'no gzip',
      'gzip',
      'plain',
      { status: 400, error: 'stream.in.badRequest', message: 'The body is not valid gzip: incorrect header check.' },
    ],
    [
      'cut gzip',
      'gzip',
      gzipSync('{"id":"cut"}').subarray(0, 20),
      { status: 400, error: 'stream.in.badRequest', message: 'The body is not valid gzip: unexpected end of file.' },
    ],
    [
      'another coding',
      'br',
      'x',
      { status: 415, error: 'stream.in.unsupportedMediaType', message: 'Unsupported content encoding "br", supported: gzip.' },
    ],
    [
      'a small body that unpacks to a large one',
      'GZIP',
      gzipSync(Buffer.alloc(10_000_000)),
      { status: 413, error: 'stream.in.bodyTooLarge', message: 'Request body size is over the maximum "20KB".' },
    ],
  ])('content coding: %s', async (_name, coding, body, expected) => {
    await expectRefusal(await json(body, 'application/json', { 'content-encoding': coding }), expected);
  });

  const tooLarge = { statusCode: 413, error: 'stream.in.bodyTooLarge', message: 'Request body size is over the maximum "20KB".' };

  test('announced as too large: refused before it comes, and the answer is heard by a client that sends on', async () => {
    const length = 8_000_000;
    await using connection = await RawConnection.open(url);
    // Reads nothing before everything is sent.
    connection.socket.pause();
    connection.write(requestText(url).replace('Content-Length: 0', `Content-Length: ${length}`));
    await new Promise<void>((resolve) => connection.socket.write(Buffer.alloc(length, 'x'), () => resolve()));
    connection.socket.resume();
    const [answer, ...more] = await connection.answers();
    expect(answer).toMatchObject({ status: 413, headers: { connection: 'close', 'content-type': 'application/json' } });
    expect(JSON.parse(answer?.body ?? '')).toEqual(tooLarge);
    expect(more).toEqual([]);
  });

  test('too large in chunks', async () => {
    const head = requestText(url).replace('Content-Length: 0', 'Transfer-Encoding: chunked');
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`;
    const [answer] = await rawExchange(url, head, ...Array.from({ length: 400 }, () => chunk), '0\r\n\r\n');
    expect(answer).toMatchObject({ status: 413, headers: { connection: 'close' } });
    expect(JSON.parse(answer?.body ?? '')).toEqual(tooLarge);
  });

  test('a request behind one that ends the connection is not stored', async () => {
    const head = requestText(url).replace('Content-Length: 0', 'Content-Length: 30000');
    const behind = requestText(url, { body: '{"id":"behind the end"}', headers: ['Content-Type: application/json'] });
    const answers = await rawExchange(url, head, Buffer.alloc(30_000, 'x'), behind);
    expect(answers.map(({ status }) => status)).toEqual([413]);
  });

  test('a client that goes away in the middle', async () => {
    const connection = await RawConnection.open(url);
    connection.write(requestText(url, { headers: ['Content-Type: application/json'] }).replace('Content-Length: 0', 'Content-Length: 20'));
    connection.write('{"id":"half"');
    await connection[Symbol.asyncDispose]();
  });

  test('Expect: 100-continue: no 100 for a wrong secret or an announced length over the limit', async () => {
    const expecting = (target: string, length: number) =>
      requestText(target, { headers: ['Expect: 100-continue'] }).replace('Content-Length: 0', `Content-Length: ${length}`);
    await using wrong = await RawConnection.open(url);
    expect(await wrong.write(expecting(withSecret(wrongSecret), 5)).answer()).toMatchObject({ status: 404 });
    await using large = await RawConnection.open(url);
    expect(await large.write(expecting(url, 30_000)).answer()).toMatchObject({ status: 413 });
  });
});

describe('what is no request', () => {
  const errorOf = (status: number, error: string, message: string) => ({ statusCode: status, error: `stream.in.${error}`, message });
  const noHttp = errorOf(400, 'badRequest', 'The request is no valid HTTP/1.1.');

  test.each([
    ['no HTTP', () => 'hello\r\n\r\n', noHttp],
    ['a bad header', () => requestText(url, { headers: ['no colon'] }), noHttp],
    ['two lengths', () => requestText(url, { headers: ['Transfer-Encoding: chunked'] }), noHttp],
    ['a bad chunk', () => `${requestText(url).replace('Content-Length: 0', 'Transfer-Encoding: chunked')}zz\r\n`, noHttp],
    ['no Host', () => requestText(url).replace(/Host: .*\r\n/, ''), errorOf(400, 'badRequest', 'The request has no Host header.')],
    [
      'too many headers',
      () => requestText(url, { headers: Array.from({ length: 500 }, (_, index) => `X-Flood-${index}: ${'x'.repeat(20)}`) }),
      errorOf(431, 'headerTooLarge', 'Request header size is over the maximum "4KB".'),
    ],
    ['slow headers', () => 'POST /stream', errorOf(408, 'requestTimeout', 'The request did not arrive in time.')],
    ['silence', () => '', errorOf(408, 'requestTimeout', 'The request did not arrive in time.')],
    [
      'a slow body',
      () => `${requestText(url).replace('Content-Length: 0', 'Content-Length: 10')}123`,
      errorOf(408, 'requestTimeout', 'The request did not arrive in time.'),
    ],
  ])('%s', async (_name, text, expected) => {
    const answers = await rawExchange(url, text());
    expect(answers).toHaveLength(1);
    expect(JSON.parse(answers[0]?.body ?? '')).toEqual(expected);
    expect(answers[0]).toMatchObject({
      status: expected.statusCode,
      headers: { connection: 'close', 'content-type': 'application/json', server: 'Sluice/HTTPSource', ...cors },
    });
  });

  test('garbage behind a good request: each gets its own answer, in order', async () => {
    const good = requestText(url, { body: '{"id":"before garbage"}', headers: ['Content-Type: application/json'] });
    const answers = await rawExchange(url, `${good}garbage\r\n\r\n`);
    expect(answers.map(({ status, body }) => [status, body.length > 2])).toEqual([
      [200, false],
      [400, true],
    ]);
  });
});

describe('afterwards', () => {
  test('a source without sinks takes the record, says that it is not stored, and counts it', async () => {
    const answer = await fetch(emptyUrl, { method: 'POST', body: 'x' });
    expect([answer.status, answer.headers.get('x-sluice-stored'), await answer.text()]).toEqual([200, 'none', 'OK']);
    const verbose = await fetch(`${emptyUrl}?verbose=true`, { method: 'POST', body: 'x' });
    expect(verbose.headers.get('x-sluice-stored')).toBe('none');
    expect(await verbose.json()).toEqual({
      statusCode: 200,
      message: 'No enabled sink found.',
      sources: [{ projectId: 1, sourceId: 'empty', branchId: 1, statusCode: 200, message: 'No enabled sink found.' }],
    });
    const metrics = await (await fetch(new URL('/metrics', service.urls['operations']))).text();
    expect(metrics).toMatch(/^sluice_ingest_dropped_total 2$/m);
    expect(metrics).toMatch(/^sluice_ingest_requests_total\{status="404"\} [1-9]/m);
  });

  test('nothing of all this is in a table but what was answered with 200', async () => {
    const last = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"id":"last"}' });
    expect(last.status).toBe(200);
    const ids = () => queryRows(`${folder.path}/data`, 'SELECT id FROM "in.c-bad"."ids" ORDER BY id');
    expect(await waitFor(ids, (rows) => rows.some(([id]) => id === 'last'))).toEqual([['before garbage'], ['last']]);
    const bodies = () => queryRows(`${folder.path}/data`, 'SELECT one, two FROM "in.c-bad"."bodies" ORDER BY one');
    const both = (id: string) => [JSON.stringify({ id }), JSON.stringify({ id })];
    expect(await waitFor(bodies, (rows) => rows.length > 1)).toEqual([both('before garbage'), both('last')]);
  });

  test('rejections are in the log, not one line for each, and no secret is', async () => {
    const before = rejectionsIn(service.log());
    expect(before).toBeGreaterThan(0);
    for (let count = 0; count < 40; count += 1) await fetch(withSecret(wrongSecret), { method: 'POST', body: 'x' });
    const log = service.log();
    expect(log.length).toBeLessThan(65_536);
    expect(rejectionsIn(log) - before).toBeLessThanOrEqual(10);
    const secrets = [url, emptyUrl].map((text) => text.split('/').at(-1) ?? '');
    // A client that mixes up the parts of the path must not have its secret logged either.
    for (const secret of secrets) await fetch(at(`/stream/${secret}/1/events`), { method: 'POST' });
    for (const secret of secrets) await fetch(at(`/stream/1/${secret}/events`), { method: 'POST' });
    expect(secrets.every((secret) => secret.length === 48)).toBe(true);
    for (const secret of [...secrets, service.token ?? '-', wrongSecret]) expect(service.log()).not.toContain(secret.slice(0, 20));
    expect(service.log()).toContain('a request was rejected');
  });
});

const rejectionsIn = (log: string): number =>
  log.split('\n').filter((line) => line.includes('a request was rejected') && line.includes('noSourceFound')).length;
