import { gzipSync } from 'node:zlib';
import { disableSource } from '@sluice/contract/operations';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { RawConnection, requestText } from '../support/raw-http.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** Data in an envelope, sent with a token of the project. */
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let service: RunningSluice;
let api: ApiClient;
let dataUrl: string;
let token: string;

beforeAll(async () => {
  folder = await openTempFolder();
  // Hiding other headers must not show the token.
  const flags = [
    ...demoFlags,
    '--source-http-hidden-headers',
    'X-Mine',
    '--source-http-max-request-body-size',
    '20KB',
    '--log-level',
    'debug',
  ];
  service = await startSluice({ dataDir: `${folder.path}/data`, flags });
  token = service.token ?? '';
  api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token });
  dataUrl = `${service.urls['http-source']}/v1/data`;
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Sent {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

const send = ({ query = '', headers = { 'X-StorageApi-Token': token }, body = '{"data":{}}' }: Sent) =>
  fetch(`${dataUrl}${query}`, { method: 'POST', headers, body });

const errorSchema = z.object({ statusCode: z.int(), error: z.string(), message: z.string() });

async function refusal(sent: Sent): Promise<[number, string, string]> {
  const answer = await send(sent);
  const { statusCode, error, message } = errorSchema.parse(await answer.json());
  expect([statusCode, answer.headers.get('x-sluice-stored'), answer.headers.get('access-control-allow-origin')]).toEqual([
    answer.status,
    null,
    '*',
  ]);
  return [answer.status, error, message];
}

const columns = [
  { type: 'body', name: 'body' },
  { type: 'path', name: 'id', path: 'id', rawString: true, defaultValue: '' },
  { type: 'headers', name: 'headers' },
];
const rows = (table: string, what: string) => queryRows(`${folder.path}/data`, `SELECT ${what} FROM "in.c-data".${table} ORDER BY ALL`);

test('data takes the way of every record: its text byte for byte, in all sinks, and the token nowhere', async () => {
  expect(await refusal({})).toEqual([400, 'stream.in.badRequest', 'The project has no source: create one, then send the data again.']);
  await api.createSource('events');
  expect((await send({})).headers.get('x-sluice-stored')).toBe('none');
  for (const name of ['one', 'two']) await api.createTableSink('events', { sinkId: name, tableId: `in.c-data.${name}`, columns });
  const text = '{ "id": "a" ,\n"n":1.0, "big":12345678901234567890, "\\u0061":"\\/", "id" : "last"}';
  const envelope = `{"data": ${text} , "other": {"data":1}}`;
  const plain = await send({ headers: { 'X-StorageApi-Token': token, 'X-A': '1', 'X-Mine': 'hidden' }, body: envelope });
  expect([plain.status, await plain.text(), plain.headers.get('content-type')]).toEqual([200, 'OK', 'text/plain']);
  const bearer = await send({
    query: '?verbose=true&source=default/events',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: gzipSync('{"data":{"id":"zipped"}}'),
  });
  expect([bearer.status, await bearer.json()]).toMatchObject([200, { message: 'Successfully written to 2/2 sinks.' }]);
  const list = await send({ query: '?source=1/events', body: '{"data":[1, 2]}' });
  expect(list.status).toBe(200);
  for (const table of ['one', 'two']) {
    expect(
      await waitFor(
        () => rows(table, 'id, body'),
        (found) => found.length >= 3,
      ),
    ).toEqual([
      ['', '[1, 2]'],
      ['last', text],
      ['zipped', '{"id":"zipped"}'],
    ]);
  }
  const headers = (await rows('one', 'headers')).map(([stored]) => String(stored));
  expect(headers.join()).toMatch(/"X-A":"1"/);
  expect(headers.join()).not.toMatch(/token|authorization|hidden/i);
  expect(headers.join()).not.toContain(token.slice(11));
});

test('who may not send is refused before the body is read', async () => {
  const invalid = [401, 'storage.tokenInvalid', 'Invalid access token.'];
  expect(await refusal({ headers: { 'X-StorageApi-Token': `${token}x` } })).toEqual(invalid);
  expect(await refusal({ headers: { 'X-StorageApi-Token': token.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a')) } })).toEqual(invalid);
  expect(await refusal({ headers: {} })).toEqual([
    401,
    'stream.in.tokenInvalid',
    'The header "X-StorageApi-Token" is missing: send it with a token of the project.',
  ]);
  await using connection = await RawConnection.open(dataUrl);
  const head = (given: string) =>
    requestText(dataUrl, { headers: [`X-StorageApi-Token: ${given}`, 'Expect: 100-continue'] }).replace(
      'Content-Length: 0',
      'Content-Length: 11',
    );
  expect(await connection.write(head('wrong')).answer()).toMatchObject({ status: 401 });
  await using silent = await RawConnection.open(dataUrl);
  silent.write(requestText(dataUrl, { headers: ['X-StorageApi-Token: wrong'] }).replace('Content-Length: 0', 'Content-Length: 1000'));
  expect(await silent.answer()).toMatchObject({ status: 401 });
  await using admitted = await RawConnection.open(dataUrl);
  expect(await admitted.write(head(token)).answer()).toMatchObject({ status: 100 });
  expect(await admitted.write('{"data":{}}').answer()).toMatchObject({ status: 200 });
});

test('what a token may do, and one that is revoked', async () => {
  const ask = async (command: string, input: object) => {
    const answer = await callAdmin(`${folder.path}/data`, command, input);
    return answer.running ? answer.output : undefined;
  };
  const create = async (role: string, projectId = 1) =>
    z.object({ token: z.string(), id: z.string() }).parse(await ask('token-create', { role, projectId, branchId: 1, description: '' }));
  const reader = await create('read');
  expect(await refusal({ headers: { 'X-StorageApi-Token': reader.token } })).toEqual([
    403,
    'stream.in.forbidden',
    'The token may only read: send data with a token whose role is admin.',
  ]);
  const foreign = await create('admin', 2);
  expect(await refusal({ headers: { 'X-StorageApi-Token': foreign.token }, query: '?source=1/events' })).toEqual([
    404,
    'stream.in.sourceNotFound',
    'Source "events" not found in the branch 1 of the project.',
  ]);
  const revoked = await create('admin');
  const headers = { 'X-StorageApi-Token': revoked.token };
  expect((await send({ headers })).status).toBe(200);
  expect(await ask('token-revoke', { id: revoked.id })).toBe(true);
  const statuses = async () => (await send({ headers })).status;
  expect(await waitFor(statuses, (status) => status === 401)).toBe(401);
});

test('bodies that are no envelope, methods, and limits', async () => {
  const bad = async (body: string) => (await refusal({ body })).slice(0, 2);
  for (const body of ['', '[]', 'null', '"data"', '{}', '{"data":}', '{"Data":{}}', 'data=1']) {
    expect([body, ...(await bad(body))]).toEqual([body, 400, 'stream.in.badRequest']);
  }
  expect(await refusal({ body: '{"dat":1}' })).toEqual([400, 'stream.in.badRequest', 'The body has no member "data".']);
  expect(await bad(`{"data":"${'x'.repeat(21_000)}"}`)).toEqual([413, 'stream.in.bodyTooLarge']);
  const get = await fetch(dataUrl);
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'OPTIONS, POST']);
  const preflight = await fetch(dataUrl, { method: 'OPTIONS' });
  expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([200, 'Authorization, *']);
});

test('several sources: one must be named; neither token nor half of one is in the log', async () => {
  await api.createSource('more');
  expect(await refusal({})).toEqual([
    400,
    'stream.in.badRequest',
    'The project has 2 sources: name one of them, for example ?source=1/events.',
  ]);
  expect((await refusal({ query: '?source=events' }))[0]).toBe(400);
  expect((await refusal({ query: '?source=1/none' }))[1]).toBe('stream.in.sourceNotFound');
  expect((await send({ query: '?source=1/more' })).status).toBe(200);
  await api.run(disableSource, { params: { sourceId: 'more' } });
  expect((await refusal({ query: '?source=1/more' }))[1]).toBe('stream.in.disabledSource');
  expect(service.log()).toContain('a request was rejected');
  for (const part of [token, token.slice(11), token.slice(11, 40)]) expect(service.log()).not.toContain(part);
});
