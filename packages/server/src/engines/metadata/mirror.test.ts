import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Backoff } from '../../kernel/async/backoff.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { MetadataStore, RangeQuery, WatchBatch } from './metadata-store.ts';
import { MetadataMirror, type MetadataMirrorOptions, type MirrorBatch } from './mirror.ts';
import { openMetadataStore } from './registry.ts';

const never = new AbortController().signal;

describe('metadata mirror', () => {
  let folder: string;
  let store: MetadataStore;
  let end: AbortController;
  let running: Promise<void> | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-mirror-'));
    store = await openMetadataStore({ kind: 'sqlite', file: join(folder, 'm.sqlite'), historyRevisions: 50 });
    end = new AbortController();
    running = undefined;
  });
  afterEach(async () => {
    end.abort();
    await running?.catch(() => {});
    await store[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const put = async (key: string, value: number | string): Promise<number> => {
    const result = await store.transact({ checks: [], writes: [{ type: 'put', key, value: JSON.stringify(value) }] });
    return result.revision;
  };
  const remove = async (key: string): Promise<number> => (await store.transact({ checks: [], writes: [{ type: 'delete', key }] })).revision;
  const start = (options: Partial<MetadataMirrorOptions<number>> = {}): MetadataMirror<number> => {
    const mirror = new MetadataMirror<number>({
      store,
      prefix: 'm/',
      decode,
      backoff: new Backoff({ initialMs: 1, maxMs: 5 }),
      ...options,
    });
    running = mirror.run(end.signal);
    return mirror;
  };
  const content = (mirror: MetadataMirror<number>) => Object.fromEntries([...mirror.entries()].map(({ key, value }) => [key, value]));

  it('shows what there is, then every change', async () => {
    await put('m/a', 1);
    const listed = await put('other', 9);
    const batches: MirrorBatch<number>[] = [];
    const mirror = start({ onChange: (batch) => void batches.push(batch) });
    await mirror.ready;
    expect(mirror.revision).toBe(listed);
    expect(content(mirror)).toEqual({ 'm/a': 1 });
    await put('m/b', 2);
    await put('m/a', 3);
    await mirror.waitForRevision(await remove('m/b'), never);
    expect(content(mirror)).toEqual({ 'm/a': 3 });
    expect(mirror.get('m/a')).toEqual({ key: 'm/a', value: 3, createRevision: 1, modRevision: 4 });
    expect(
      batches.flatMap((batch) => batch.changes.map((change) => [change.type, change.type === 'put' ? change.entry.value : change.key])),
    ).toEqual([
      ['put', 1],
      ['put', 2],
      ['put', 3],
      ['delete', 'm/b'],
    ]);
  });

  it('reaches revisions that changed other keys only', async () => {
    const mirror = start();
    await mirror.ready;
    await mirror.waitForRevision(await put('other', 1), never);
    expect(content(mirror)).toEqual({});
  });

  it('stops waiting when the signal aborts', async () => {
    const mirror = start();
    await mirror.ready;
    const waiting = new AbortController();
    const settled = Promise.allSettled([mirror.waitForRevision(1000, waiting.signal)]);
    waiting.abort(new Error('enough'));
    expect(await settled).toMatchObject([{ status: 'rejected', reason: { message: 'enough' } }]);
  });

  it('reports what it cannot decode and goes on without it', async () => {
    await put('m/bad', 'text');
    await put('m/a', 1);
    const problems: string[] = [];
    const mirror = start({ onUndecodable: ({ key, modRevision }) => problems.push(`${key}@${modRevision}`) });
    await mirror.ready;
    expect(content(mirror)).toEqual({ 'm/a': 1 });
    await mirror.waitForRevision(await put('m/a', 'text'), never);
    expect(content(mirror)).toEqual({});
    expect(problems).toEqual(['m/bad@1', 'm/a@3']);
  });

  it('tells batches one after the other, and waits for the listener', async () => {
    let inside = 0;
    let most = 0;
    let told = 0;
    const mirror = start({
      onChange: async ({ changes }) => {
        inside += 1;
        most = Math.max(most, inside);
        await store.revision();
        inside -= 1;
        told += changes.length;
      },
    });
    const revisions = await Promise.all(Array.from({ length: 40 }, (_, index) => put(`m/${index}`, index)));
    await mirror.waitForRevision(Math.max(...revisions), never);
    expect({ most, told }).toEqual({ most: 1, told: 40 });
  });

  it('ends with the error of its listener', async () => {
    await put('m/a', 1);
    const mirror = start({ onChange: () => Promise.reject(new AppError('metadataUnavailable', 'not mine')) });
    await expect(running).rejects.toMatchObject({ code: 'invariantBroken' });
    await expect(mirror.ready).rejects.toThrow('not mine');
  });

  it('lists again after a compaction and an outage, and tells the difference once', async () => {
    await put('m/kept', 1);
    await put('m/changed', 1);
    await put('m/gone', 1);
    let outage: PromiseWithResolvers<void> | undefined;
    const batches: MirrorBatch<number>[] = [];
    const interruptions: string[] = [];
    const flaky = wrap(store, {
      async *watch(query): AsyncGenerator<WatchBatch> {
        if (outage === undefined) {
          outage = Promise.withResolvers();
          await outage.promise;
        }
        yield* store.watch(query);
      },
      range: (query) => {
        if (interruptions.length === 1) return Promise.reject(new AppError('metadataUnavailable', 'down'));
        return store.range(query);
      },
    });
    const mirror = start({
      store: flaky,
      onChange: (batch) => void batches.push(batch),
      onInterrupted: ({ reason }) => interruptions.push(reason),
    });
    await mirror.ready;
    await put('m/changed', 2);
    await remove('m/gone');
    let last = await put('m/new', 3);
    for (let index = 0; index < 60; index += 1) last = await put('noise', index);
    expect(content(mirror)).toEqual({ 'm/kept': 1, 'm/changed': 1, 'm/gone': 1 });
    outage?.resolve();
    await mirror.waitForRevision(last, never);
    expect(content(mirror)).toEqual({ 'm/kept': 1, 'm/changed': 2, 'm/new': 3 });
    expect(interruptions).toEqual([expect.stringContaining('compacted'), 'down']);
    expect(batches).toHaveLength(2);
    expect(batches[1]?.changes.map((change) => [change.type, change.type === 'put' ? change.entry.key : change.key])).toEqual([
      ['delete', 'm/gone'],
      ['put', 'm/changed'],
      ['put', 'm/new'],
    ]);
  });

  it('becomes what the store holds, whatever changes between pages, here or under other prefixes', async () => {
    const key = fc.constantFrom('m/a', 'm/b', 'm/c', 'm/d', 'm/e', 'elsewhere');
    const change = fc.oneof(fc.tuple(fc.constant('put'), key), fc.tuple(fc.constant('delete'), key));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 4 }), { minLength: 4, maxLength: 4 }), async (gaps) => {
        for (const [index, name] of ['a', 'b', 'c', 'd', 'e'].entries()) await put(`m/${name}`, index);
        let page = 0;
        /** Pages of two entries, with changes between them. */
        const paged = wrap(store, {
          range: async (query) => {
            const result = await store.range({ ...query, limit: 2 });
            for (const [type, name] of gaps[page++] ?? []) await (type === 'put' ? put(name, page) : remove(name));
            return result;
          },
        });
        const stop = new AbortController();
        const mirror = new MetadataMirror<number>({ store: paged, prefix: 'm/', decode });
        const run = mirror.run(stop.signal);
        await mirror.ready;
        await mirror.waitForRevision(await store.revision(), never);
        const expected = await store.range({ prefix: 'm/', limit: 100 });
        expect(new Map([...mirror.entries()].map((entry) => [entry.key, entry.modRevision]))).toEqual(
          new Map(expected.entries.map((entry) => [entry.key, entry.modRevision])),
        );
        stop.abort();
        await run;
      }),
      { numRuns: 30 },
    );
  });
});

function decode(_key: string, value: string): number {
  const parsed: unknown = JSON.parse(value);
  if (typeof parsed !== 'number') throw new TypeError('no number');
  return parsed;
}

interface Overrides {
  readonly range?: (query: RangeQuery) => ReturnType<MetadataStore['range']>;
  readonly watch?: MetadataStore['watch'];
}

function wrap(store: MetadataStore, overrides: Overrides): MetadataStore {
  return {
    get: (key) => store.get(key),
    range: (query) => store.range(query),
    count: (prefix) => store.count(prefix),
    transact: (transaction) => store.transact(transaction),
    watch: (query) => store.watch(query),
    grantLease: (ttlMs) => store.grantLease(ttlMs),
    revision: () => store.revision(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    ...overrides,
  };
}
