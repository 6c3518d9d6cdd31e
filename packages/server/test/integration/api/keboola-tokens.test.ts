import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeboolaTokenVerifier } from '../../../src/features/accounts/keboola-token-verifier.ts';
import { StorageApi } from '../../../src/features/accounts/storage-api.ts';
import { ApiHarness } from '../../support/api-harness.ts';
import { StorageApiDouble } from '../../support/storage-api-double.ts';
import { TestClock } from '../../support/test-clock.ts';

const sources = '/v1/branches/default/sources';
const payload = { type: 'http', name: 'Orders' };
const jane = {
  token: '1234-8964-jane',
  id: '8964',
  description: 'jane@example.com',
  isMasterToken: true,
  projectId: 1234,
  admin: { id: 57, name: 'Jane Doe', role: 'admin' },
};
const reader = { ...jane, token: '1234-8965-reader', id: '8965', admin: { id: 58, name: 'John Doe', role: 'readOnly' } };
const robot = { ...jane, token: '1234-8966-robot', id: '8966', isMasterToken: false, admin: undefined };

describe('tokens of a Keboola project', () => {
  let double: StorageApiDouble;
  let api: ApiHarness;
  beforeEach(async () => {
    double = await StorageApiDouble.open();
    for (const { admin, ...token } of [jane, reader, robot]) double.add({ ...token, ...(admin && { admin }) });
    const storageApi = new StorageApi({ url: double.url });
    api = await ApiHarness.open({ verifier: new KeboolaTokenVerifier({ api: storageApi, clock: new TestClock() }) });
    api.token = jane.token;
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
    await double[Symbol.asyncDispose]();
    expect(double.violations).toEqual([]);
  });

  const as = ({ token }: { readonly token: string }) => ({ headers: { 'x-storageapi-token': token } });
  const errorText = (statusCode: number, error: string, message: string, exceptionId?: string) =>
    `${JSON.stringify({ statusCode, error, message, ...(exceptionId && { exceptionId }) }, null, 2)}\n`;

  it('write as the administrator that they belong to, in the branch of their project', async () => {
    await api.create(sources, payload);
    const { text } = await api.get(`${sources}/orders`);
    expect(text).toContain('{"projectId":1234,"branchId":5678,"sourceId":"orders"');
    expect(text).toContain('"by":{"type":"user","tokenId":"8964","tokenDesc":"jane@example.com","userId":"57","userName":"Jane Doe"}');
    expect((await api.get('/v1/branches/5678/sources/orders')).text).toBe(text);
    expect((await api.get('/v1/branches/70/sources')).text).toBe(
      errorText(400, 'stream.api.badRequest', 'Currently only default branch is supported, branch "70" is not default.'),
    );
  });

  it('of another role read, and test, and write nothing', async () => {
    await api.create(sources, payload);
    expect((await api.call('GET', sources, as(reader))).status).toBe(200);
    expect((await api.call('POST', `${sources}/orders/test`, { ...as(reader), payload: {} })).status).toBe(200);
    for (const [method, path] of [
      ['POST', ''],
      ['PATCH', '/orders'],
      ['DELETE', '/orders'],
      ['PUT', '/orders/disable'],
    ] as const) {
      expect((await api.call(method, sources + path, { ...as(reader), payload })).text).toBe(
        errorText(403, 'stream.api.forbidden', 'Only admin token can do write operations on streams.'),
      );
    }
  });

  it('must be master tokens, also to read', async () => {
    expect((await api.call('GET', sources, as(robot))).text).toBe(
      errorText(401, 'stream.api.masterTokenRequired', 'Please provide a master token of a project administrator.'),
    );
  });

  it('that the Storage API refuses are refused in its words', async () => {
    expect((await api.call('GET', sources, as({ token: 'unknown' }))).text).toBe(
      errorText(401, 'storage.tokenInvalid', 'Invalid access token.', 'keboola-connection-7f3d'),
    );
    expect((await api.call('GET', sources, as({ token: '' }))).text).toBe(
      errorText(400, 'stream.api.missingField', '"X-StorageApi-Token" is missing from header.'),
    );
  });

  it('may come as a bearer', async () => {
    for (const headers of [
      { authorization: `Bearer ${reader.token}` },
      { authorization: `bEARER ${reader.token}`, 'x-storageapi-token': '' },
      { authorization: 'Bearer unknown', 'x-storageapi-token': reader.token },
      { 'x-storageapi-token': `Bearer ${reader.token}` },
    ]) {
      expect((await api.inject({ url: sources, headers })).statusCode).toBe(200);
    }
    expect((await api.inject({ url: sources, headers: { authorization: `Basic ${reader.token}` } })).statusCode).toBe(400);
  });

  it('that are programmatic are told what is missing', async () => {
    const programmatic = { 'x-storageapi-token': 'kbc_pat_x' };
    const message = 'Programmatic token request missing valid X-KBC-ProjectId header.';
    for (const headers of [programmatic, { ...programmatic, 'x-kbc-projectid': '-1' }]) {
      expect((await api.call('GET', sources, { headers })).text).toBe(errorText(400, 'stream.api.internalError', message));
    }
    const answer = await api.call('GET', sources, { headers: { ...programmatic, 'x-kbc-projectid': '1234' } });
    expect([answer.status, answer.body['message']]).toEqual([
      400,
      'Programmatic tokens cannot be exchanged here, please send a Storage API token.',
    ]);
  });

  it('cannot be told while the Storage API is away: 503 under an exception id, and nothing of the token', async () => {
    double.fault = () => ({ type: 'answer', status: 500, text: `{"token":"${jane.token}"` });
    const answer = await api.get(sources);
    expect(answer.text).toBe(
      errorText(
        503,
        'stream.api.storageApiUnavailable',
        'The token cannot be verified by the Storage API: it answers tokens/verify with status 500.',
        `keboola-stream-api-${String(answer.headers['x-request-id'])}`,
      ),
    );
  });
});
