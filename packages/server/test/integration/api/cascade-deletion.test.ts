import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publishAppliedRevision } from '../../../src/features/definitions/applied-revision.ts';
import { AppError } from '../../../src/kernel/errors/app-error.ts';
import type { ApiHarness } from '../../support/api-harness.ts';
import { openLifecycleTree, orders, sinkBody, sources, stateOf, versionsOf, web } from '../../support/lifecycle-tree.ts';

let api: ApiHarness;
/** The tables that were to be dropped. */
let dropped: string[];
beforeEach(async () => {
  api = await openLifecycleTree();
  dropped = [];
  api.hooks.dropTargets = async (sinks) => void dropped.push(...sinks.map(({ table }) => table.tableId));
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const keysLeft = async () => (await api.store.range({ prefix: 'definition/', limit: 1000 })).entries.map(({ key }) => key);

describe('cascade delete', () => {
  it.each(['true', 'T', '1'])('leaves nothing of the source, cascade=%s', async (value) => {
    await api.change('PATCH', orders, {});
    await api.create(`${web}/sinks`, sinkBody('gone'));
    await api.change('DELETE', `${web}/sinks/gone`);
    const task = await api.change('DELETE', `${web}?cascade=${value}`);
    expect(task.body).toMatchObject({
      type: 'api.delete.source',
      status: 'success',
      result: 'Source and its destination tables and bucket have been deleted.',
      outputs: { url: 'https://api.test/v1/branches/1/sources/web', projectId: 1, branchId: 1, sourceId: 'web' },
    });
    expect(await keysLeft()).toEqual(['definition/branch/active/1/1']);
    expect(dropped.toSorted()).toEqual(['in.c-web.gone', 'in.c-web.orders']);
    expect((await api.get(`${sources}/deleted`)).body['sources']).toEqual([]);
    expect((await api.call('PUT', `${web}/undelete`)).status).toBe(404);
    expect((await api.call('DELETE', `${web}?cascade=true`)).status).toBe(404);
  });

  it('lets the ids begin anew', async () => {
    const before = (await api.get(web)).body;
    await api.change('DELETE', `${web}?cascade=true`);
    api.clock.advance(1000);
    await api.create(sources, { type: 'http', name: 'web' });
    expect(await versionsOf(api, web)).toEqual(['1 New source.']);
    expect((await api.get(web)).body['created']).not.toEqual(before['created']);
    expect((await api.get(`${web}/sinks`)).body['sinks']).toEqual([]);
  });

  it('leaves other sources alone, and the tables that they write to', async () => {
    await api.create(sources, { type: 'http', name: 'web-2' });
    await api.create(`${sources}/web-2/sinks`, sinkBody('same', 'in.c-web.shared'));
    await api.create(`${web}/sinks`, sinkBody('shared', 'in.c-web.shared'));
    const before = (await keysLeft()).filter((key) => key.includes('web-2'));
    expect(before).toHaveLength(4);
    await api.change('DELETE', `${web}?cascade=true`);
    expect(dropped).toEqual(['in.c-web.orders']);
    expect(await keysLeft()).toEqual(['definition/branch/active/1/1', ...before]);
  });

  it('is only possible while the source is active', async () => {
    await api.change('DELETE', web);
    expect((await api.call('DELETE', `${web}?cascade=true`)).body['error']).toBe('stream.api.sourceNotFound');
    expect(dropped).toEqual([]);
  });

  it('tells which tables are left, when the source is gone already', async () => {
    api.hooks.dropTargets = async () => {
      throw new AppError('tablesNotDropped', 'The source is deleted, but not these tables: "in.c-web.orders" (why).');
    };
    const task = await api.change('DELETE', `${web}?cascade=true`);
    expect(task.body).toMatchObject({
      status: 'error',
      error: 'The source is deleted, but not these tables: "in.c-web.orders" (why).',
      outputs: { url: 'https://api.test/v1/branches/1/sources/web', projectId: 1, branchId: 1, sourceId: 'web' },
    });
    expect(Object.keys(task.body).slice(-2)).toEqual(['error', 'outputs']);
    expect(await keysLeft()).toEqual(['definition/branch/active/1/1']);
  });

  it('drops and erases nothing before every source node knows of the deletion', async () => {
    const lease = await api.store.grantLease(60_000);
    await publishAppliedRevision(api.store, { nodeId: 'n1', leaseId: lease.id, revision: 1 });
    const task = await api.call('DELETE', `${web}?cascade=true`);
    while ((await stateOf(api, 'source', 'web')) !== 'deleted directly') await api.get(web);
    for (let look = 0; look < 20; look += 1) await api.get(web);
    expect(dropped).toEqual([]);
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('deleted with its source');
    await publishAppliedRevision(api.store, { nodeId: 'n1', leaseId: lease.id, revision: 1e9 });
    expect((await api.finished(task)).body['status']).toBe('success');
    expect(dropped).toEqual(['in.c-web.orders']);
  });

  it('erases nothing where the service stops before the tables are dropped', async () => {
    const called = Promise.withResolvers<void>();
    api.hooks.dropTargets = (_sinks, signal) => {
      called.resolve();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const task = await api.call('DELETE', `${web}?cascade=true`);
    await called.promise;
    const drained = api.tasks.drain(0);
    api.timers.find(({ delayMs }) => delayMs === 0)?.fire();
    await drained;
    expect((await api.finished(task)).body).toMatchObject({
      status: 'error',
      error: 'The service stopped before the task was finished.',
      outputs: { sourceId: 'web' },
    });
    expect(await stateOf(api, 'source', 'web')).toBe('deleted directly');
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('deleted with its source');
  });

  it('erases in batches; cut off, it leaves a deleted source that can be taken back and erased again', async () => {
    const versions = Array.from({ length: 250 }, (_, index) => ({
      type: 'put' as const,
      key: `definition/sink/version/1/1/web/orders/${String(index + 2).padStart(10, '0')}`,
      value: '{}',
    }));
    for (let from = 0; from < versions.length; from += 100)
      await api.store.transact({ checks: [], writes: versions.slice(from, from + 100) });
    const { transact } = api.store;
    let batches = 0;
    api.store.transact = async (transaction) => {
      const erases = transaction.writes.filter(({ key, type }) => type === 'delete' && key.startsWith('definition/sink/version/')).length;
      if (erases > 0 && batches === 1) throw new Error('cut off');
      if (erases > 0) batches += 1;
      return transact.call(api.store, transaction);
    };
    expect((await api.change('DELETE', `${web}?cascade=true`)).body).toMatchObject({ status: 'error', error: 'Unknown error' });
    const left = await api.store.count('definition/sink/version/');
    expect(left).toBeGreaterThan(100);
    expect(left).toBeLessThan(251);
    expect(await stateOf(api, 'source', 'web')).toBe('deleted directly');
    batches = -100;
    await api.change('PUT', `${web}/undelete`);
    expect((await api.change('DELETE', `${web}?cascade=true`)).body['status']).toBe('success');
    expect(batches).toBeGreaterThan(-100);
    expect(await keysLeft()).toEqual(['definition/branch/active/1/1']);
  });
});
