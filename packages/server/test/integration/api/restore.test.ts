import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publishAppliedRevision } from '../../../src/features/definitions/applied-revision.ts';
import type { Sink } from '../../../src/features/definitions/sink.ts';
import { AppError } from '../../../src/kernel/errors/app-error.ts';
import type { ApiHarness } from '../../support/api-harness.ts';
import { openLifecycleTree, orders, recordOf, sinkBody, sources, stateOf, versionsOf, web } from '../../support/lifecycle-tree.ts';

let api: ApiHarness;
beforeEach(async () => {
  api = await openLifecycleTree();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const by = () => `{"type":"user","tokenId":"${api.token.slice(0, 10)}","tokenDesc":"admin token"}`;
const noteHooks = (calls: string[]) => {
  const noted = (name: string) => async (sink: Sink) => {
    calls.push(`${name} ${sink.sinkId} ${sink.version.number}`);
    return { checks: [], writes: [{ type: 'put' as const, key: `joined/${name}/${sink.sinkId}`, value: '' }] };
  };
  Object.assign(api.hooks, {
    sinkActivated: noted('activated'),
    sinkChanged: noted('changed'),
    sinkDeactivated: noted('deactivated'),
    prepareTarget: async ({ sinkId, version }: Sink) => void calls.push(`prepared ${sinkId} ${version.number}`),
  });
};
const revisionsOf = async (...keys: string[]) =>
  new Set(await Promise.all(keys.map(async (key) => (await api.store.get(key))?.modRevision)));

describe('deleted lists', () => {
  it('show sources with their deletion, page by page', async () => {
    const list = `${sources}/deleted`;
    expect((await api.get(list)).text).toBe(
      '{"projectId":1,"branchId":1,"page":{"limit":100,"totalCount":0,"afterId":"","lastId":""},"sources":[]}\n',
    );
    for (const name of ['a', 'b']) {
      await api.create(sources, { type: 'http', name });
      await api.change('DELETE', `${sources}/${name}`);
    }
    const { text } = await api.get(web);
    await api.change('DELETE', web);
    const mark = `,"deleted":{"at":"2026-06-24T10:01:00.000Z","by":${by()}}`;
    expect((await api.get(`${list}?afterId=b`)).text).toBe(
      '{"projectId":1,"branchId":1,"page":{"limit":100,"totalCount":3,"afterId":"b","lastId":"web"},' +
        `"sources":[${text.trim().slice(0, -1)}${mark}}]}\n`,
    );
    expect((await api.get(`${list}?limit=1`)).body).toMatchObject({ page: { lastId: 'a' }, sources: [{ sourceId: 'a' }] });
    expect((await api.get(`${list}?limit=0`)).status).toBe(400);
    expect((await api.call('GET', list, { headers: { 'x-storageapi-token': api.readToken } })).status).toBe(200);
  });

  it('show sinks with their deletion', async () => {
    const { text } = await api.get(orders);
    await api.change('PUT', `${orders}/disable`);
    const disabled = (await api.get(orders)).text;
    expect(disabled).not.toBe(text);
    await api.change('DELETE', orders);
    const mark = `"deleted":{"at":"2026-06-24T10:01:00.000Z","by":${by()}},"disabled"`;
    expect((await api.get(`${web}/sinks/deleted`)).text).toBe(
      '{"projectId":1,"branchId":1,"sourceId":"web","page":{"limit":100,"totalCount":1,"afterId":"","lastId":"orders"},' +
        `"sinks":[${disabled.trim().replace('"disabled"', mark)}]}\n`,
    );
    expect((await api.get(`${web}/sinks`)).body['sinks']).toEqual([]);
    expect((await api.get(`${sources}/none/sinks/deleted`)).body['error']).toBe('stream.api.sourceNotFound');
  });
});

describe('undelete', () => {
  it('brings a sink back with a new file, in one transaction', async () => {
    const calls: string[] = [];
    noteHooks(calls);
    const before = (await api.get(orders)).body;
    await api.change('DELETE', orders);
    api.clock.advance(60_000);
    const task = await api.call('PUT', `${orders}/undelete`);
    expect(task.status).toBe(202);
    expect(String(task.body['taskId'])).toMatch(/^api\.undelete\.sink\/1\/web\/orders\/2026-06-24T10:02:00\.000Z_\d{5}$/);
    expect((await api.finished(task)).body).toMatchObject({
      result: 'Sink has been undeleted successfully.',
      outputs: { url: 'https://api.test/v1/branches/1/sources/web/sinks/orders', sinkId: 'orders' },
    });
    expect((await api.get(orders)).body).toEqual({
      ...before,
      version: { ...(before['version'] as object), number: 2, description: 'Undeleted to version "1".', at: '2026-06-24T10:02:00.000Z' },
    });
    expect(calls).toEqual(['deactivated orders 1', 'prepared orders 2', 'activated orders 2']);
    const keys = ['definition/sink/active/1/1/web/orders', 'definition/sink/version/1/1/web/orders/0000000002', 'joined/activated/orders'];
    expect((await revisionsOf(...keys)).size).toBe(1);
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('active');
  });

  it('brings a source back with the sinks that went with it', async () => {
    await api.create(`${web}/sinks`, sinkBody('off'));
    await api.change('PUT', `${web}/sinks/off/disable`);
    await api.create(`${web}/sinks`, sinkBody('gone'));
    await api.change('DELETE', `${web}/sinks/gone`);
    const before = (await api.get(web)).body;
    await api.change('DELETE', web);
    const calls: string[] = [];
    noteHooks(calls);
    expect((await api.change('PUT', `${web}/undelete`)).body).toMatchObject({
      type: 'api.undelete.source',
      result: 'Source has been undeleted successfully.',
      outputs: { url: 'https://api.test/v1/branches/1/sources/web', sourceId: 'web' },
    });
    expect((await api.get(web)).body).toMatchObject({ ...before, version: { number: 2, description: 'Undeleted to version "1".' } });
    // A disabled sink gets no file.
    expect(calls).toEqual(['prepared orders 1', 'activated orders 1']);
    expect(await stateOf(api, 'sink', 'web/off')).toBe('active, disabled directly');
    expect(await stateOf(api, 'sink', 'web/gone')).toBe('deleted directly');
    expect(await recordOf(api, 'source/deleted/1/1/web')).toBeUndefined();
  });

  it('is for admins, and for what is deleted', async () => {
    const missing = {
      statusCode: 404,
      error: 'stream.api.deletedSourceNotFound',
      message: 'Deleted source "web" not found in the branch.',
    };
    expect((await api.call('PUT', `${web}/undelete`)).body).toEqual(missing);
    expect((await api.call('PUT', `${orders}/undelete`)).body).toEqual({
      statusCode: 404,
      error: 'stream.api.deletedSinkNotFound',
      message: 'Deleted sink "orders" not found in the source.',
    });
    const noSource = await api.call('PUT', `${sources}/none/sinks/orders/undelete`);
    expect(noSource.body).toMatchObject({ error: 'stream.api.sourceNotFound', message: 'Source "none" not found in the branch.' });
    const writes = [
      ['PUT', `${web}/undelete`],
      ['PUT', `${orders}/undelete`],
      ['PUT', `${web}/versions/1/rollback`],
      ['PUT', `${orders}/versions/1/rollback`],
      ['POST', `${web}/rotate-secret`],
    ] as const;
    for (const [method, path] of writes) {
      const refused = await api.call(method, path, { headers: { 'x-storageapi-token': api.readToken } });
      expect([refused.status, refused.body['error']]).toEqual([403, 'stream.api.forbidden']);
    }
  });

  it('changes nothing where the target of a sink cannot be prepared', async () => {
    await api.change('DELETE', orders);
    api.hooks.prepareTarget = async () => {
      throw new AppError('tablesUnavailable', 'The tables do not answer.');
    };
    expect((await api.change('PUT', `${orders}/undelete`)).body).toMatchObject({ status: 'error', error: 'The tables do not answer.' });
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('deleted directly');
  });
});

/** Copies of the active record under other ids, straight into the store. */
async function fill(kind: 'source' | 'sink', key: string, { ids, to = 'active' }: { ids: readonly string[]; to?: 'active' | 'deleted' }) {
  const record = await recordOf(api, `${kind}/active/1/1/${key}`);
  const parent = key
    .split('/')
    .slice(0, -1)
    .map((id) => `${id}/`);
  const deleted = { directly: false, at: '2026-06-24T10:00:00.000Z', by: { type: 'user' } };
  const writes = ids.map((id) => ({
    type: 'put' as const,
    key: `definition/${kind}/${to}/1/1/${parent.join('')}${id}`,
    value: JSON.stringify({ ...record, [`${kind}Id`]: id, ...(to === 'deleted' && { deleted }) }),
  }));
  for (let from = 0; from < writes.length; from += 50) await api.store.transact({ checks: [], writes: writes.slice(from, from + 50) });
}
const ids = (count: number) => Array.from({ length: count }, (_, index) => `x${index}`);

describe('limits', () => {
  const sourceLimit = 'Source count limit reached in the branch, the maximum is 100.';
  const sinkLimit = 'Sink count limit reached in the source, the maximum is 100.';

  it('of sources holds for an undelete, which restores nothing then', async () => {
    await fill('source', 'web', { ids: ids(99) });
    await api.change('DELETE', web);
    await api.create(sources, { type: 'http', name: 'last' });
    expect((await api.change('PUT', `${web}/undelete`)).body).toMatchObject({ status: 'error', error: sourceLimit });
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('deleted with its source');
    await api.change('DELETE', `${sources}/last`);
    expect((await api.change('PUT', `${web}/undelete`)).body['status']).toBe('success');
    expect(await api.store.count('definition/source/active/1/1/')).toBe(100);
  });

  it('of sinks holds for a creation and an undelete', async () => {
    await fill('sink', 'web/orders', { ids: ids(99) });
    await api.change('DELETE', orders);
    await api.create(`${web}/sinks`, sinkBody('last'));
    expect((await api.change('PUT', `${orders}/undelete`)).body).toMatchObject({ status: 'error', error: sinkLimit });
    expect((await api.change('POST', `${web}/sinks`, sinkBody('more'))).body).toMatchObject({ status: 'error', error: sinkLimit });
    // What stays deleted needs no room.
    await fill('sink', 'web/last', { ids: ['with-source'], to: 'deleted' });
    expect((await api.change('PUT', `${web}/sinks/with-source/undelete`)).body['status']).toBe('success');
    expect(await stateOf(api, 'sink', 'web/with-source')).toBe('deleted with its source');
    await api.change('DELETE', `${web}/sinks/last`);
    expect((await api.change('PUT', `${orders}/undelete`)).body['status']).toBe('success');
  });

  it('of sinks holds for the undelete of their source, which restores nothing then', async () => {
    await fill('sink', 'web/orders', { ids: ids(100), to: 'deleted' });
    await api.change('DELETE', web);
    expect((await api.change('PUT', `${web}/undelete`)).body).toMatchObject({ status: 'error', error: sinkLimit });
    expect(await stateOf(api, 'source', 'web')).toBe('deleted directly');
    expect(await api.store.count('definition/sink/active/')).toBe(0);
  });

  it('of columns holds for every mapping', async () => {
    const columns = Array.from({ length: 101 }, (_, index) => ({ type: 'uuid', name: `c${index}` }));
    const sinkOf = (count: number) => ({
      ...sinkBody('wide'),
      table: { ...sinkBody('wide').table, mapping: { columns: columns.slice(0, count) } },
    });
    const refusal = {
      statusCode: 400,
      error: 'stream.api.invalidLength',
      message: 'Length of body.table.mapping.columns must be lesser or equal than 100 but got value [...] (len=101)',
    };
    expect((await api.post(`${web}/sinks`, sinkOf(101))).body).toEqual(refusal);
    await api.create(`${web}/sinks`, sinkOf(100));
    expect((await api.call('PATCH', `${web}/sinks/wide`, { payload: { table: sinkOf(101).table } })).body).toEqual(refusal);
  });

  it('of versions holds for what changes content only', async () => {
    for (const [path, prefix] of [
      [web, 'source/version/1/1/web'],
      [orders, 'sink/version/1/1/web/orders'],
    ] as const) {
      const { value } = (await api.store.get(`definition/${prefix}/0000000001`)) ?? { value: '' };
      const writes = Array.from({ length: 999 }, (_, index) => ({
        type: 'put' as const,
        key: `definition/${prefix}/${String(index + 100_000).padStart(10, '0')}`,
        value,
      }));
      for (let from = 0; from < writes.length; from += 100)
        await api.store.transact({ checks: [], writes: writes.slice(from, from + 100) });
      const kind = path === web ? 'source' : 'sink';
      const limit = { status: 'error', error: `Version count limit reached in the ${kind}, the maximum is 1000.` };
      expect((await api.change('PATCH', path, {})).body).toMatchObject(limit);
      expect((await api.change('PATCH', `${path}/settings`, {})).body).toMatchObject(limit);
      for (const act of ['disable', 'enable', 'versions/1/rollback'])
        expect((await api.change('PUT', `${path}/${act}`)).body['status']).toBe('success');
    }
    expect((await api.call('POST', `${web}/rotate-secret`)).body).toEqual({
      statusCode: 409,
      error: 'stream.api.versionCountLimitReached',
      message: 'Version count limit reached in the source, the maximum is 1000.',
    });
    await api.change('DELETE', web);
    expect((await api.change('PUT', `${web}/undelete`)).body['status']).toBe('success');
  });
});

describe('a source with 100 sinks', () => {
  it('is undeleted in batches, sinks first; what is cut off is finished by a repeat', async () => {
    await fill('sink', 'web/orders', { ids: ids(99) });
    await api.change('DELETE', web);
    // As many operations as storage needs to open a file.
    api.hooks.sinkActivated = async ({ sinkId }) => ({
      checks: [{ key: `file/${sinkId}`, modRevision: 0 }],
      writes: ['', '/slice', '/file-slice'].map((end) => ({ type: 'put' as const, key: `file/${sinkId}${end}`, value: '{}' })),
    });
    const { transact } = api.store;
    let batches = 0;
    api.store.transact = async (transaction) => {
      const isOurs = transaction.writes.some(({ key }) => key.startsWith('definition/sink/'));
      if (isOurs && batches === 3) throw new Error('cut off');
      if (isOurs) batches += 1;
      return transact.call(api.store, transaction);
    };
    expect((await api.change('PUT', `${web}/undelete`)).body).toMatchObject({ status: 'error', error: 'Unknown error' });
    const some = await api.store.count('definition/sink/active/');
    expect(some).toBeGreaterThan(10);
    expect(some).toBeLessThan(60);
    expect((await api.get(web)).status).toBe(404);
    batches = -100;
    expect((await api.change('PUT', `${web}/undelete`)).body['status']).toBe('success');
    expect(batches).toBeGreaterThan(-98);
    expect(await api.store.count('definition/sink/active/')).toBe(100);
    expect(await api.store.count('definition/sink/deleted/')).toBe(0);
    expect(await versionsOf(api, web)).toEqual(['1 New source.', '2 Undeleted to version "1".']);
  });
});

describe('rotation of a secret', () => {
  it('answers with the source under its new URL', async () => {
    const before = await api.get(web);
    const answer = await api.call('POST', `${web}/rotate-secret`);
    expect(answer.status).toBe(200);
    expect(answer.text).toBe((await api.get(web)).text);
    const secretOf = (text: string) => /stream\/1\/web\/(\d{48})"/.exec(text)?.[1] ?? '';
    expect(secretOf(answer.text)).toHaveLength(48);
    expect(secretOf(answer.text)).not.toBe(secretOf(before.text));
    expect(answer.body).toMatchObject({
      name: 'web',
      version: { number: 2, description: 'Rotated secret.', at: '2026-06-24T10:01:00.000Z' },
    });
    for (const { value } of (await api.store.range({ prefix: 'definition/', limit: 100 })).entries)
      expect(value).not.toContain(secretOf(answer.text));
    expect((await api.call('POST', `${sources}/none/rotate-secret`)).body['error']).toBe('stream.api.sourceNotFound');
  });

  it('answers when every source node knows the new secret', async () => {
    const lease = await api.store.grantLease(60_000);
    await publishAppliedRevision(api.store, { nodeId: 'n1', leaseId: lease.id, revision: 1 });
    let isAnswered = false;
    const answer = api.call('POST', `${web}/rotate-secret`).finally(() => {
      isAnswered = true;
    });
    while ((await recordOf(api, 'source/version/1/1/web/0000000002')) === undefined) await api.get(web);
    for (let look = 0; look < 20; look += 1) await api.get(web);
    expect(isAnswered).toBe(false);
    await publishAppliedRevision(api.store, { nodeId: 'n1', leaseId: lease.id, revision: 1e9 });
    expect((await answer).status).toBe(200);
  });
});
