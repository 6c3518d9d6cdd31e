import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MetadataTransaction } from '../../../src/engines/metadata/metadata-store.ts';
import type { ApiHarness } from '../../support/api-harness.ts';
import { openLifecycleTree, orders, recordOf, stateOf, web } from '../../support/lifecycle-tree.ts';

let api: ApiHarness;
beforeEach(async () => {
  api = await openLifecycleTree();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

/** Another node does something between what an operation has read and the first transaction of it that is meant. */
function beforeTransaction(isMeant: (transaction: MetadataTransaction) => boolean, act: () => Promise<void>): void {
  const { transact } = api.store;
  api.store.transact = async (transaction) => {
    if (isMeant(transaction)) {
      api.store.transact = transact;
      await act();
    }
    return transact.call(api.store, transaction);
  };
}

async function move(from: string, to: string): Promise<void> {
  const entry = await api.store.get(`definition/${from}`);
  const writes = [
    { type: 'delete', key: `definition/${from}` },
    { type: 'put', key: `definition/${to}`, value: entry?.value ?? '' },
  ] as const;
  expect((await api.store.transact({ checks: [], writes })).committed).toBe(true);
}
const active = 'source/active/1/1/web';
const deleted = 'source/deleted/1/1/web';
const notFound = (what: string) => ({ status: 'error', error: `${what} "web" not found in the branch.` });

async function addSinks(count: number): Promise<void> {
  const record = await recordOf(api, 'sink/active/1/1/web/orders');
  const writes = Array.from({ length: count }, (_, index) => ({
    type: 'put' as const,
    key: `definition/sink/active/1/1/web/x${index}`,
    value: JSON.stringify({ ...record, sinkId: `x${index}` }),
  }));
  await api.store.transact({ checks: [], writes });
}

describe('an operation whose source another node changes meanwhile', () => {
  it('does not take a sink back under a source that is deleted', async () => {
    await api.change('DELETE', orders);
    beforeTransaction(
      ({ writes }) => writes.some(({ key }) => key === 'definition/sink/active/1/1/web/orders'),
      () => move(active, deleted),
    );
    expect((await api.change('PUT', `${orders}/undelete`)).body).toMatchObject(notFound('Source'));
    expect(await stateOf(api, 'sink', 'web/orders')).toBe('deleted directly');
  });

  it('takes no more sinks back with a source that is back already', async () => {
    await addSinks(99);
    await api.change('DELETE', web);
    let batches = 0;
    const isSecond = ({ writes }: MetadataTransaction) => {
      if (writes.some(({ key }) => key.startsWith('definition/sink/active/'))) batches += 1;
      return batches === 2;
    };
    let restored = 0;
    beforeTransaction(isSecond, async () => {
      restored = await api.store.count('definition/sink/active/');
      await move(deleted, active);
    });
    expect((await api.change('PUT', `${web}/undelete`)).body).toMatchObject(notFound('Deleted source'));
    expect(restored).toBeGreaterThan(0);
    expect(await api.store.count('definition/sink/active/')).toBe(restored);
  });

  it('erases no more of a source that is back already', async () => {
    await addSinks(99);
    let batches = 0;
    const isSecond = ({ writes }: MetadataTransaction) => {
      if (writes.some(({ type, key }) => type === 'delete' && key.startsWith('definition/sink/deleted/'))) batches += 1;
      return batches === 2;
    };
    let left = 0;
    beforeTransaction(isSecond, async () => {
      left = await api.store.count('definition/sink/');
      await move(deleted, active);
    });
    expect((await api.change('DELETE', `${web}?cascade=true`)).body).toMatchObject(notFound('Deleted source'));
    expect(left).toBeGreaterThan(0);
    expect(await api.store.count('definition/sink/')).toBe(left);
  });
});
