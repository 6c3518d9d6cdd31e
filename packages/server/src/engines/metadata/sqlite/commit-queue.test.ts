import { describe, expect, it } from 'vitest';
import { CommitQueue } from './commit-queue.ts';
import type { WriteOperation, WriteResult } from './sqlite-protocol.ts';

const limits = { maxBatchOperations: 3, maxBatchCharacters: 100, maxWaitingOperations: 5, maxWaitingCharacters: 300 };
const operation = (key: string, size = 0): WriteOperation => ({
  type: 'transact',
  transaction: { checks: [], writes: [{ type: 'put', key, value: 'x'.repeat(size) }] },
});

describe('commit queue', () => {
  const batches: number[] = [];
  const open = () => {
    batches.length = 0;
    const gates: PromiseWithResolvers<void>[] = [];
    const commit = async (operations: readonly WriteOperation[]): Promise<WriteResult[]> => {
      batches.push(operations.length);
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
      return operations.map((_, revision) => ({ type: 'committed', revision }));
    };
    return { queue: new CommitQueue(commit, limits), gates };
  };

  it('gathers what arrives during a commit, bounded by number and size', async () => {
    const { queue, gates } = open();
    const settled = [queue.submit(operation('a')), queue.submit(operation('b'))];
    await Promise.resolve();
    expect(batches).toEqual([2]);
    settled.push(...['c', 'd', 'e', 'f'].map((key) => queue.submit(operation(key, 40))));
    for (let next = gates.shift(); next !== undefined; next = gates.shift()) {
      next.resolve();
      await new Promise(setImmediate);
    }
    await Promise.all(settled);
    await queue.drain();
    expect(batches).toEqual([2, 2, 2]);
  });

  it('refuses when too many wait, and takes one operation of any size', async () => {
    const { queue, gates } = open();
    const all = [queue.submit(operation('huge', 1000)), ...Array.from({ length: 4 }, () => queue.submit(operation('x')))];
    await expect(queue.submit(operation('big', 1000))).rejects.toMatchObject({ code: 'metadataUnavailable' });
    all.push(queue.submit(operation('x')));
    // 'huge' left the queue for its commit of its own only after this turn.
    await Promise.resolve();
    expect(batches).toEqual([1]);
    gates.shift()?.resolve();
    await all[0];
    const rest = Promise.allSettled(all);
    for (let next = gates.shift(); next !== undefined; next = gates.shift()) {
      next.resolve();
      await new Promise(setImmediate);
    }
    await rest;
  });

  it('gives every caller of a failed commit the error, and goes on', async () => {
    let fails = true;
    const queue = new CommitQueue((operations) => {
      if (!fails) return Promise.resolve(operations.map(() => ({ type: 'committed', revision: 1 })));
      fails = false;
      return Promise.reject(new Error('disk'));
    });
    const failed = await Promise.allSettled([queue.submit(operation('a')), queue.submit(operation('b'))]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await queue.submit(operation('c'))).toEqual({ type: 'committed', revision: 1 });
  });
});
