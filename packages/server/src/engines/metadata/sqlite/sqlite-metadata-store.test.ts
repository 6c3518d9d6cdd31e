import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeMetadataStore, type MetadataHarness } from '../metadata-store.conformance.ts';
import { openMetadataStore } from '../registry.ts';
import { SqliteMetadataStore } from './sqlite-metadata-store.ts';

const historyRevisions = 1000;
const tinyWatches = { maxQueuedEvents: 3, maxQueuedCharacters: 50, historyPageEvents: 2 };

describeMetadataStore('sqlite', () => openHarness({}));
describeMetadataStore('sqlite with queues of three events', () => openHarness({ watcherLimits: tinyWatches }));

describe('sqlite metadata store', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-metadata-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const open = (options: { historyRevisions?: number; checkpoint?: (name: string) => void } = {}) =>
    SqliteMetadataStore.open({ file: join(folder, 'm.sqlite'), ...options });

  it('shares commits between transactions that arrive during one, each with its own checks', async () => {
    const points: string[] = [];
    await using store = await open({ checkpoint: (name) => points.push(name) });
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        store.transact({ checks: [{ key: 'a', modRevision: index }], writes: [{ type: 'put', key: 'a', value: String(index) }] }),
      ),
    );
    // Each check names the revision that the one before it in the same commit made.
    expect(results).toEqual(Array.from({ length: 50 }, (_, index) => ({ committed: true, revision: index + 1 })));
    expect(points).toEqual(['metadata.beforeCommit', 'metadata.afterCommit']);
  });

  it('passes no checkpoint for transactions without writes', async () => {
    const points: string[] = [];
    await using store = await open({ checkpoint: (name) => points.push(name) });
    await store.transact({ checks: [{ key: 'a', modRevision: 0 }], writes: [] });
    expect(points).toEqual([]);
  });

  it('commits what was asked for before it closes, and refuses what comes later', async () => {
    const store = await open();
    const writes = Array.from({ length: 20 }, (_, index) =>
      store.transact({ checks: [], writes: [{ type: 'put', key: `k${index}`, value: '' }] }),
    );
    await store[Symbol.asyncDispose]();
    expect(await Promise.all(writes)).toHaveLength(20);
    await expect(store.get('k0')).rejects.toMatchObject({ code: 'metadataUnavailable' });
    await store[Symbol.asyncDispose]();
    await using again = await open();
    expect(await again.count('')).toBe(20);
  });

  it('ends watches when it closes', async () => {
    const store = await open();
    const watch = store.watch({ prefix: '', fromRevision: 1, signal: new AbortController().signal });
    const [ended] = await Promise.allSettled([Array.fromAsync(watch), store[Symbol.asyncDispose]()]);
    expect(ended).toMatchObject({ status: 'rejected', reason: { code: 'metadataUnavailable' } });
  });

  it('rejects what waits and what comes when the worker dies', async () => {
    const started = once(process, 'worker');
    await using store = await open();
    const [worker]: Worker[] = await started;
    const watch = Array.fromAsync(store.watch({ prefix: '', fromRevision: 1, signal: new AbortController().signal }));
    const waiting = [watch, store.get('a'), store.transact({ checks: [], writes: [{ type: 'put', key: 'a', value: '' }] })];
    const settled = Promise.allSettled(waiting);
    await worker?.terminate();
    for (const outcome of await settled) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'metadataUnavailable' } });
    await expect(store.revision()).rejects.toMatchObject({ code: 'metadataUnavailable' });
    await expect(store.grantLease(1000)).rejects.toMatchObject({ code: 'metadataUnavailable' });
  });

  it('refuses a file that another store holds, one of a newer release, and one that is no database', async () => {
    await using _store = await open();
    await expect(open()).rejects.toMatchObject({ code: 'metadataUnavailable', message: expect.stringContaining('locked') });
    const file = join(folder, 'newer.sqlite');
    const newer = new DatabaseSync(file);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    await expect(SqliteMetadataStore.open({ file })).rejects.toMatchObject({ message: expect.stringContaining('format 99') });
    await expect(SqliteMetadataStore.open({ file: folder })).rejects.toMatchObject({ code: 'metadataUnavailable' });
  });

  it('keeps only the newest revisions for watches', async () => {
    await using store = await open({ historyRevisions: 10 });
    for (let index = 1; index <= 40; index += 1)
      await store.transact({ checks: [], writes: [{ type: 'put', key: 'k', value: String(index) }] });
    const end = new AbortController();
    const recent: number[] = [];
    for await (const { revision } of store.watch({ prefix: '', fromRevision: 31, signal: end.signal })) {
      recent.push(revision);
      if (revision === 40) end.abort();
    }
    expect(recent).toEqual(Array.from({ length: 10 }, (_, index) => 31 + index));
    await expect(Array.fromAsync(store.watch({ prefix: '', fromRevision: 20, signal: end.signal }))).resolves.toEqual([]);
    const old = store.watch({ prefix: '', fromRevision: 20, signal: new AbortController().signal });
    await expect(Array.fromAsync(old)).rejects.toMatchObject({ code: 'metadataCompacted' });
  });

  it('is opened by the registry, which refuses unknown kinds with every problem', async () => {
    await using store = await openMetadataStore({ kind: 'sqlite', file: join(folder, 'r.sqlite') });
    expect(await store.revision()).toBe(0);
    const unknown: unknown = { kind: 'papyrus' };
    // @ts-expect-error: configuration files are not type-checked.
    await expect(openMetadataStore(unknown)).rejects.toMatchObject({ code: 'configInvalid' });
  });
});

async function openHarness(options: { watcherLimits?: typeof tinyWatches }): Promise<MetadataHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-metadata-'));
  const open = () => SqliteMetadataStore.open({ file: join(folder, 'm.sqlite'), historyRevisions, ...options });
  let store = await open();
  return {
    get store() {
      return store;
    },
    reopen: async () => {
      await store[Symbol.asyncDispose]();
      store = await open();
    },
    compact: async () => {
      const writes = Array.from({ length: historyRevisions * 1.2 }, () =>
        store.transact({ checks: [], writes: [{ type: 'put', key: 'compacting', value: '' }] }),
      );
      await Promise.all(writes);
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
