import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApiHarness } from '../../support/api-harness.ts';
import { openLifecycleTree, orders, sinkBody, sources, stateOf, versionsOf, web } from '../../support/lifecycle-tree.ts';

let api: ApiHarness;
/** Of what is held; a test that fails must not hold it for ever. */
let releases: (() => void)[];
beforeEach(async () => {
  releases = [];
  api = await openLifecycleTree();
  for (const { fire } of api.timers.filter(({ delayMs }) => delayMs === 500)) fire();
});
afterEach(async () => {
  for (const release of releases) release();
  await api[Symbol.asyncDispose]();
});

/** Transactions that write the key wait until the returned function is called. */
function holdWritesOf(key: string): () => void {
  const { transact } = api.store;
  const held = Promise.withResolvers<void>();
  api.store.transact = async (transaction) => {
    if (transaction.writes.some((write) => write.key === key)) await held.promise;
    return transact.call(api.store, transaction);
  };
  const release = () => held.resolve();
  releases.push(release);
  return release;
}

const waiting = () => api.timers.filter(({ delayMs }) => delayMs === 30_000);
const untilWaiting = (count: number) => vi.waitFor(() => expect(waiting()).toHaveLength(count), { timeout: 5000, interval: 1 });
const activeWeb = 'definition/source/active/1/1/web';
const inProgress = (key: string) => ({
  statusCode: 409,
  error: 'stream.api.operationInProgress',
  message: `Another operation on "${key}" is still in progress.`,
});

describe('an operation on an entity that another one holds', () => {
  it('waits, and then works on what the other one left', async () => {
    const release = holdWritesOf(activeWeb);
    const first = await api.call('PATCH', web, { payload: { name: 'First', description: 'by the first' } });
    const second = api.call('PATCH', web, { payload: { name: 'Second' } });
    await untilWaiting(1);
    const third = api.call('POST', `${web}/rotate-secret`);
    await untilWaiting(2);
    release();
    expect((await second).status).toBe(202);
    expect((await third).body).toMatchObject({ name: 'Second', description: 'by the first', version: { number: 4 } });
    expect((await api.finished(first)).body['status']).toBe('success');
    expect(await versionsOf(api, web)).toEqual(['1 New source.', '2 Updated.', '3 Updated.', '4 Rotated secret.']);
    expect(waiting()).toEqual([]);
  });

  it.each([
    ['PATCH', web],
    ['DELETE', `${web}?cascade=true`],
    ['PUT', `${web}/disable`],
    ['PUT', `${web}/undelete`],
    ['PUT', `${web}/versions/1/rollback`],
    ['PATCH', `${web}/settings`],
    ['POST', `${web}/rotate-secret`],
    ['POST', sources],
  ] as const)('is refused after 30 s: %s %s', async (method, path) => {
    const release = holdWritesOf(activeWeb);
    const first = await api.call('PUT', `${web}/disable`);
    const payload = path === sources ? { type: 'http', name: 'web' } : {};
    const late = api.call(method, path, method === 'PATCH' || path === sources ? { payload } : {});
    await untilWaiting(1);
    waiting()[0]?.fire();
    expect((await late).body).toEqual(inProgress('1/1/web'));
    release();
    expect((await api.finished(first)).body['status']).toBe('success');
    expect(await versionsOf(api, web)).toEqual(['1 New source.', '2 Disabled.']);
  });

  it('is told what the entity is by then', async () => {
    const release = holdWritesOf('definition/sink/active/1/1/web/orders');
    const deletion = await api.call('DELETE', orders);
    const disable = api.call('PUT', `${orders}/disable`);
    await untilWaiting(1);
    const creation = api.call('POST', `${web}/sinks`, { payload: sinkBody('orders') });
    await untilWaiting(2);
    release();
    expect((await disable).body['error']).toBe('stream.api.sinkNotFound');
    expect((await api.finished(deletion)).body['status']).toBe('success');
    expect((await api.finished(await creation)).body['status']).toBe('success');
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('active');
  });

  it('waits on no other entity', async () => {
    const release = holdWritesOf(activeWeb);
    await api.call('PATCH', web, { payload: {} });
    expect((await api.call('PATCH', orders, { payload: {} })).status).toBe(202);
    expect((await api.call('POST', `${web}/sinks`, { payload: sinkBody('new') })).status).toBe(202);
    expect((await api.call('POST', sources, { payload: { type: 'http', name: 'other' } })).status).toBe(202);
    release();
  });

  it('is refused at once, by the whole key, where both create the same sink', async () => {
    const release = holdWritesOf('definition/sink/active/1/1/web/new');
    const first = await api.call('POST', `${web}/sinks`, { payload: sinkBody('new') });
    const again = await api.call('POST', `${web}/sinks`, { payload: sinkBody('new') });
    const message = 'Sink "1/1/web/new" already exists in the source.';
    expect(again.body).toEqual({ statusCode: 409, error: 'stream.api.sinkAlreadyExists', message });
    expect(waiting()).toEqual([]);
    release();
    await api.finished(first);
  });
});
