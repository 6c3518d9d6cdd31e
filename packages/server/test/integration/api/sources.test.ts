import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publishAppliedRevision } from '../../../src/features/definitions/applied-revision.ts';
import { ApiHarness } from '../../support/api-harness.ts';

describe('sources', () => {
  let api: ApiHarness;
  beforeEach(async () => {
    api = await ApiHarness.open();
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });

  const sources = '/v1/branches/default/sources';
  const by = () => `{"type":"user","tokenId":"${api.token.slice(0, 10)}","tokenDesc":"admin token"}`;

  it('creates one by a task and shows it', async () => {
    const created = await api.post(sources, { type: 'http', name: 'Orders Webhook', description: 'Receives order events.', unknown: 1 });
    const id = String(created.body['taskId']);
    expect(id).toMatch(/^api\.create\.source\/1\/orders-webhook\/2026-06-24T10:00:00\.000Z_\d{5}$/);
    const head = `{"taskId":"${id}","type":"api.create.source","url":"https://api.test/v1/tasks/${id}"`;
    expect(created.text).toBe(`${head},"status":"processing","isFinished":false,"createdAt":"2026-06-24T10:00:00.000Z"}\n`);
    expect(created.headers['content-type']).toBe('application/json');

    const end = await api.finished(created);
    const outputs =
      '{"url":"https://api.test/v1/branches/1/sources/orders-webhook","projectId":1,"branchId":1,"sourceId":"orders-webhook"}';
    expect(end.text).toBe(
      `${head},"status":"success","isFinished":true,"createdAt":"2026-06-24T10:00:00.000Z","finishedAt":"2026-06-24T10:00:00.000Z",` +
        `"duration":0,"result":"Source has been created successfully.","outputs":${outputs}}\n`,
    );

    const shown = await api.get(`${sources}/orders-webhook`);
    const [, secret = ''] = /stream\/1\/orders-webhook\/(\d{48})"/.exec(shown.text) ?? [];
    const [, hash = ''] = /"hash":"([0-9a-f]{16})"/.exec(shown.text) ?? [];
    expect(shown.text).toBe(
      '{"projectId":1,"branchId":1,"sourceId":"orders-webhook","type":"http","name":"Orders Webhook","description":"Receives order events.",' +
        `"http":{"url":"https://in.test/stream/1/orders-webhook/${secret}"},` +
        `"version":{"number":1,"hash":"${hash}","description":"New source.","at":"2026-06-24T10:00:00.000Z","by":${by()}},` +
        `"created":{"at":"2026-06-24T10:00:00.000Z","by":${by()}}}\n`,
    );
    expect(secret).toHaveLength(48);
    const stored = await api.store.range({ prefix: 'definition/source/', limit: 10 });
    expect(stored.entries.map(({ key }) => key)).toEqual([
      'definition/source/active/1/1/orders-webhook',
      'definition/source/version/1/1/orders-webhook/0000000001',
    ]);
    for (const { value } of stored.entries) expect(value).not.toContain(secret);
    expect(new Set(stored.entries.map(({ modRevision }) => modRevision)).size).toBe(1);
  });

  it('makes the id from the given one or the name, and refuses what gives none', async () => {
    const taskOf = async (payload: object) => (await api.post(sources, { type: 'http', name: 'N', ...payload })).body;
    expect((await taskOf({ sourceId: '!!!!~~~~weird|||id##' }))['taskId']).toContain('/1/weird-id/');
    const refusals: [object, string][] = [
      [{ name: '!!!' }, '"sourceId" must not be empty.'],
      [{ sourceId: 'Deleted' }, '"sourceId" must not be "deleted", the word is reserved.'],
      [{ name: 'aB'.repeat(20) }, `"sourceId" must have at most 48 characters, "${'a-b'.repeat(20)}" has 60.`],
      [{ type: 'otlp' }, 'Sources of the type "otlp" are not available yet, please use "http".'],
    ];
    for (const [payload, message] of refusals) {
      expect(await taskOf(payload)).toEqual({ statusCode: 400, error: 'stream.api.badRequest', message });
    }
  });

  it('validates the fields, missing ones first', async () => {
    const messageOf = async (payload: object) => (await api.post(sources, payload)).body;
    expect(await messageOf({ sourceId: '' })).toEqual({
      statusCode: 400,
      error: 'stream.api.missingField',
      message:
        '"type" is missing from body; "name" is missing from body; length of body.sourceId must be greater or equal than 1 but got value "" (len=0)',
    });
    expect(await messageOf({ type: 'foo', name: 'x' })).toEqual({
      statusCode: 400,
      error: 'stream.api.invalidEnumValue',
      message: 'Value of body.type must be one of "http", "otlp" but got value "foo".',
    });
    const name = '😀'.repeat(41);
    expect(await messageOf({ type: 'http', name })).toEqual({
      statusCode: 400,
      error: 'stream.api.invalidLength',
      message: `Length of body.name must be lesser or equal than 40 but got value "${name}" (len=41)`,
    });
  });

  it('refuses an id that is taken, from the start of its creation on', async () => {
    const first = await api.post(sources, { type: 'http', name: 'Orders' });
    const message = 'Source "orders" already exists in the branch.';
    const expected = { statusCode: 409, error: 'stream.api.sourceAlreadyExists', message };
    expect((await api.post(sources, { type: 'http', name: 'Orders' })).body).toEqual(expected);
    await api.finished(first);
    api.clock.advance(1000);
    expect((await api.post(sources, { type: 'http', name: 'Orders' })).body).toEqual(expected);
  });

  it('lists pages in order of the ids', async () => {
    expect((await api.get(sources)).text).toBe(
      '{"projectId":1,"branchId":1,"page":{"limit":100,"totalCount":0,"afterId":"","lastId":""},"sources":[]}\n',
    );
    for (const name of ['b', 'a', 'a 2', 'c']) await api.create(sources, { type: 'http', name });
    const idsOf = async (query: string) => {
      const { body } = await api.get(`${sources}?${query}`);
      const list = body as { page: unknown; sources: { sourceId: string }[] };
      return [list.page, list.sources.map(({ sourceId }) => sourceId)];
    };
    expect(await idsOf('limit=2')).toEqual([{ limit: 2, totalCount: 4, afterId: '', lastId: 'a-2' }, ['a', 'a-2']]);
    // A cursor is no prefix: what only begins with it is behind it.
    expect(await idsOf('afterId=a')).toEqual([{ limit: 100, totalCount: 4, afterId: 'a', lastId: 'c' }, ['a-2', 'b', 'c']]);
    expect(await idsOf('afterId=bb&limit=1')).toEqual([{ limit: 1, totalCount: 4, afterId: 'bb', lastId: 'c' }, ['c']]);
    expect(await idsOf('afterId=z')).toEqual([{ limit: 100, totalCount: 4, afterId: 'z', lastId: '' }, []]);
  });

  it('keeps projects apart', async () => {
    await api.create(sources, { type: 'http', name: 'Orders' });
    const { token } = await api.tokens.create({ role: 'admin', projectId: 2 });
    const answer = await api.call('GET', `${sources}/orders`, { headers: { 'x-storageapi-token': token } });
    expect(answer.body).toEqual({
      statusCode: 404,
      error: 'stream.api.sourceNotFound',
      message: 'Source "orders" not found in the branch.',
    });
  });

  it('holds the limit of 100 in a branch, also for requests at the same time', async () => {
    for (let index = 0; index < 98; index += 1) await api.create(sources, { type: 'http', name: `s${index}` });
    const late = await Promise.all(['x', 'y', 'z', 'w'].map((name) => api.post(sources, { type: 'http', name })));
    const ends = await Promise.all(late.map((task) => api.finished(task)));
    expect(ends.map(({ body }) => body['status']).toSorted()).toEqual(['error', 'error', 'success', 'success']);
    const failed = ends.find(({ body }) => body['status'] === 'error')?.body ?? {};
    expect(Object.keys(failed)).toEqual(['taskId', 'type', 'url', 'status', 'isFinished', 'createdAt', 'finishedAt', 'duration', 'error']);
    expect(failed['error']).toBe('Source count limit reached in the branch, the maximum is 100.');
    expect(await api.store.count('definition/source/active/1/1/')).toBe(100);
  });

  it('ends the task only when every live source node follows', async () => {
    const lease = await api.store.grantLease(60_000);
    await publishAppliedRevision(api.store, { nodeId: 'n1', leaseId: lease.id, revision: 1 });
    const task = await api.post(sources, { type: 'http', name: 'Orders' });
    const stored = async () => (await api.store.get('definition/source/active/1/1/orders'))?.modRevision;
    let revision = await stored();
    while (revision === undefined) revision = await stored();
    for (let look = 0; look < 20; look += 1)
      expect((await api.get(`/v1/tasks/${String(task.body['taskId'])}`)).body['status']).toBe('processing');
    await publishAppliedRevision(api.store, { nodeId: 'n1', leaseId: lease.id, revision });
    expect((await api.finished(task)).body['status']).toBe('success');
  });
});
