import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/kernel/errors/app-error.ts';
import { ApiHarness } from '../../support/api-harness.ts';

const errorText = (statusCode: number, error: string, message: string): string =>
  `{\n  "statusCode": ${statusCode},\n  "error": "${error}",\n  "message": ${JSON.stringify(message)}\n}\n`;

describe('checks of a request', () => {
  let api: ApiHarness;
  beforeEach(async () => {
    api = await ApiHarness.open();
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });

  const sources = '/v1/branches/default/sources';
  const valid = { type: 'http', name: 'Orders' };

  it('tells an unknown path, without its query and before anything else', async () => {
    const answer = await api.call('POST', '/foo/bar?x=1', { headers: { 'x-storageapi-token': '' }, payload: 'x'.repeat(2_000_000) });
    expect(answer.text).toBe(errorText(404, 'stream.api.endpointNotFound', 'No endpoint found for path "/foo/bar".'));
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/json');
  });

  it('tells a path that cannot be decoded as unknown', async () => {
    const answer = await api.get('/v1/tasks/%zz');
    expect(answer.text).toBe(errorText(404, 'stream.api.endpointNotFound', 'No endpoint found for path "/v1/tasks/%zz".'));
    expect(answer.headers['x-request-id']).toMatch(/^\d{15}$/);
  });

  it('tells which methods a known path takes', async () => {
    const answer = await api.call('DELETE', sources);
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe('GET, HEAD, POST');
    expect(answer.text).toBe(errorText(405, 'stream.api.methodNotAllowed', `Method "DELETE" is not allowed for the path "${sources}".`));
    expect((await api.call('PUT', '/v1/tasks/a/b/c')).headers['allow']).toBe('GET, HEAD');
  });

  it('leads a slash too many to the path without it', async () => {
    const answer = await api.get('/v1/branches/default/sources/?limit=3');
    expect([answer.status, answer.headers['location']]).toEqual([301, '/v1/branches/default/sources?limit=3']);
    expect((await api.get('//evil.test/')).status).toBe(404);
  });

  it('leads the root to /v1 and is healthy without a token', async () => {
    const root = await api.inject('/');
    expect([root.statusCode, root.headers.location]).toEqual([301, '/v1']);
    const health = await api.inject('/health-check');
    expect([health.statusCode, health.body, health.headers['content-type']]).toEqual([200, 'OK', 'text/plain']);
    const index = await api.inject('/v1');
    expect(index.body).toBe('{"api":"stream","documentation":"https://api.test/v1/documentation"}\n');
    expect(index.headers['content-type']).toBe('application/json');
  });

  it('gives every answer a request id of its own, never the client’s', async () => {
    const ids = new Set<unknown>();
    for (const url of ['/v1', '/nothing', sources]) {
      const { headers } = await api.call('GET', url, { headers: { 'x-request-id': 'mine' } });
      expect(headers['x-request-id']).toMatch(/^\d{15}$/);
      ids.add(headers['x-request-id']);
    }
    expect(ids.size).toBe(3);
  });

  it('answers browsers of other origins', async () => {
    const simple = await api.call('GET', '/nothing', { headers: { origin: 'https://ui.test' } });
    expect(simple.headers['access-control-allow-origin']).toBe('https://ui.test');
    expect(simple.headers['vary']).toBe('Origin');
    const preflight = await api.call('OPTIONS', sources, {
      headers: { origin: 'https://ui.test', 'access-control-request-method': 'PUT' },
    });
    expect([preflight.status, preflight.text]).toEqual([204, '']);
    expect(preflight.headers['access-control-allow-methods']).toBe('GET, POST, PATCH, PUT, DELETE');
    expect(preflight.headers['access-control-allow-headers']).toBe('Content-Type, X-StorageApi-Token, X-KBC-ProjectId');
    expect((await api.inject({ method: 'OPTIONS', url: sources })).statusCode).toBe(204);
  });

  it('tells a wrong body before a missing token', async () => {
    const answer = await api.call('POST', sources, { headers: { 'x-storageapi-token': '' }, payload: { name: 'x' } });
    expect(answer.text).toBe(errorText(400, 'stream.api.missingField', '"type" is missing from body.'));
  });

  it.each([
    ['no body', undefined, 'missingPayload', 'Missing required payload.'],
    ['an empty body', '', 'missingPayload', 'Missing required payload.'],
    ['a list', '[]', 'decodePayload', 'The body must be a JSON object.'],
    ['a wrong type', '{"type":"http","name":5}', 'decodePayload', 'The field "body.name" must be of type string, found number.'],
  ])('refuses %s', async (_name, payload, error, message) => {
    const answer = await api.call('POST', sources, {
      headers: { 'content-type': 'application/json' },
      ...(payload !== undefined && { payload }),
    });
    expect(answer.text).toBe(errorText(400, `stream.api.${error}`, message));
  });

  it('refuses what is no JSON', async () => {
    const answer = await api.call('POST', sources, { headers: { 'content-type': 'application/json' }, payload: '{"type":' });
    expect(answer.status).toBe(400);
    expect(answer.body['error']).toBe('stream.api.decodePayload');
  });

  it('reads JSON only, which is also what a body without a type is', async () => {
    const answer = await api.call('POST', sources, { headers: { 'content-type': 'text/plain' }, payload: '{}' });
    expect(answer.text).toBe(errorText(400, 'stream.api.unsupportedMediaType', 'Unsupported media type text/plain.'));
    const broken = await api.call('POST', sources, { headers: { 'content-type': '///' }, payload: '{}' });
    expect([broken.status, broken.body['error']]).toEqual([400, 'stream.api.unsupportedMediaType']);
    const withCharset = { headers: { 'content-type': 'application/json; charset=utf-8' }, payload: JSON.stringify(valid) };
    expect((await api.call('POST', sources, withCharset)).status).toBe(202);
    expect((await api.call('POST', sources, { payload: Buffer.from(JSON.stringify({ ...valid, name: 'Other' })) })).status).toBe(202);
  });

  it('refuses a body over 1 MB', async () => {
    const answer = await api.post(sources, { ...valid, description: 'x'.repeat(1_048_576) });
    expect(answer.text).toBe(errorText(413, 'stream.api.bodyTooLarge', 'The request body is over the limit of 1048576 bytes.'));
  });

  it('merges what is wrong in path, query and header', async () => {
    const answer = await api.call('GET', `${sources}/${'x'.repeat(49)}/versions/asfasf?afterId=`, {
      headers: { 'x-storageapi-token': '' },
    });
    const id = `Length of sourceId must be lesser or equal than 48 but got value "${'x'.repeat(49)}" (len=49)`;
    const version =
      'invalid value "asfasf" for "versionNumber", must be a integer; versionNumber must be greater or equal than 1 but got value 0';
    expect(answer.text).toBe(errorText(400, 'stream.api.invalidLength', `${id}; ${version}; "X-StorageApi-Token" is missing from header.`));
  });

  it('checks the page size; an empty parameter is none, of several the first counts', async () => {
    const answer = await api.get(`${sources}?limit=101&limit=5`);
    expect(answer.text).toBe(errorText(400, 'stream.api.invalidRange', 'Limit must be lesser or equal than 100 but got value 101.'));
    expect((await api.get(`${sources}?limit=`)).body['page']).toMatchObject({ limit: 100 });
    expect((await api.get(`${sources}?limit=1.5`)).body['error']).toBe('stream.api.invalidFieldType');
  });

  it('wants a token, takes it as a bearer too, and refuses a wrong one', async () => {
    const without = await api.inject(sources);
    expect(without.body).toBe(errorText(400, 'stream.api.missingField', '"X-StorageApi-Token" is missing from header.'));
    const wrong = await api.call('GET', sources, { headers: { 'x-storageapi-token': 'nonsense' } });
    expect(wrong.text).toBe(errorText(401, 'storage.tokenInvalid', 'Invalid access token.'));
    for (const headers of [{ 'x-storageapi-token': `Bearer ${api.token}` }, { authorization: `bearer ${api.token}` }]) {
      expect((await api.inject({ url: sources, headers })).statusCode).toBe(200);
    }
    expect((await api.inject({ url: sources, headers: { authorization: `Basic ${api.token}` } })).statusCode).toBe(400);
  });

  it('resolves the branch before it judges the role', async () => {
    const as = { headers: { 'x-storageapi-token': api.readToken }, payload: valid };
    const other = await api.call('POST', '/v1/branches/999/sources', as);
    expect(other.text).toBe(
      errorText(400, 'stream.api.badRequest', 'Currently only default branch is supported, branch "999" is not default.'),
    );
    const word = await api.call('POST', '/v1/branches/abc/sources', as);
    expect(word.text).toBe(errorText(400, 'stream.api.badRequest', 'Invalid branch: expected "default" or <int>, given "abc".'));
    const role = await api.call('POST', '/v1/branches/1/sources', as);
    expect(role.text).toBe(errorText(403, 'stream.api.forbidden', 'Only admin token can do write operations on streams.'));
    expect((await api.call('GET', '/v1/branches/1/sources', { headers: { 'x-storageapi-token': api.readToken } })).status).toBe(200);
  });

  it('makes the branch record at the first use, 100 at most', async () => {
    await api.get(sources);
    expect((await api.store.get('definition/branch/active/1/1'))?.value).toBe('{"projectId":1,"branchId":1,"isDefault":true}');
    const writes = Array.from(
      { length: 99 },
      (_, index) => ({ type: 'put', key: `definition/branch/active/1/${index + 2}`, value: '{}' }) as const,
    );
    await api.store.transact({ checks: [], writes });
    const { token } = await api.tokens.create({ role: 'admin', branchId: 500 });
    const answer = await api.call('GET', sources, { headers: { 'x-storageapi-token': token } });
    const message = 'Branch count limit reached in the project, the maximum is 100.';
    expect(answer.text).toBe(errorText(409, 'stream.api.branchCountLimitReached', message));
  });

  it('says what is wrong with the service, under an exception id', async () => {
    api.store.outage = new AppError('metadataUnavailable', 'metadata does not answer');
    const away = await api.get(sources);
    expect(away.text).toBe(
      `{\n  "statusCode": 503,\n  "error": "stream.api.metadataUnavailable",\n  "message": "Metadata does not answer.",\n` +
        `  "exceptionId": "keboola-stream-api-${String(away.headers['x-request-id'])}"\n}\n`,
    );
    api.store.outage = new AppError('invariantBroken', 'secret of the house');
    const broken = await api.get(sources);
    expect(broken.status).toBe(500);
    expect(broken.text).not.toContain('secret');
    expect(broken.body['message']).toContain(String(broken.body['exceptionId']));
  });
});
