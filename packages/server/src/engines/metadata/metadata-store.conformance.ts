import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MetadataStore, MetadataWrite, WatchBatch, WatchEvent } from './metadata-store.ts';

/** One empty store of an adapter; its revision may be anything. */
export interface MetadataHarness extends AsyncDisposable {
  readonly store: MetadataStore;
  /** Closes the store and opens the same data again. */
  reopen(): Promise<void>;
  /** Makes the events of all revisions before the newest ones unavailable to watches. */
  compact(): Promise<void>;
}

/** Engines round leases up to seconds. */
const leaseTtlMs = 1000;

/** The contract of `MetadataStore`. */
export function describeMetadataStore(name: string, open: () => Promise<MetadataHarness>): void {
  describe(`${name}: metadata store`, () => {
    let harness: MetadataHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(async () => {
      await harness[Symbol.asyncDispose]();
    });
    const put = async (key: string, value: string): Promise<number> => (await commit([{ type: 'put', key, value }])).revision;
    const commit = async (writes: readonly MetadataWrite[]): Promise<{ revision: number }> => {
      const result = await harness.store.transact({ checks: [], writes });
      expect(result.committed).toBe(true);
      return result;
    };

    describe('keys', () => {
      it('gives back what was put, with its revisions', async () => {
        const created = await put('a', '{"n":1}');
        expect(await harness.store.get('a')).toEqual({ key: 'a', value: '{"n":1}', createRevision: created, modRevision: created });
        const changed = await put('a', '2');
        expect(changed).toBe(created + 1);
        expect(await harness.store.get('a')).toEqual({ key: 'a', value: '2', createRevision: created, modRevision: changed });
        expect(await harness.store.get('absent')).toBeUndefined();
        expect(await harness.store.revision()).toBe(changed);
      });

      it('creates anew after a deletion', async () => {
        await put('a', '1');
        await commit([{ type: 'delete', key: 'a' }]);
        expect(await harness.store.get('a')).toBeUndefined();
        const revision = await put('a', '3');
        expect((await harness.store.get('a'))?.createRevision).toBe(revision);
      });

      it('keeps any text as it is', async () => {
        for (const text of ['', ' ', '\u0000', 'ž', '\u{1f600}', '\u{10ffff}', '\'"\\%_', 'x'.repeat(100_000)]) {
          await put(`k/${text.slice(0, 100)}`, text);
          expect((await harness.store.get(`k/${text.slice(0, 100)}`))?.value).toBe(text);
        }
      });

      it('keeps the revision where nothing changes', async () => {
        const revision = await put('a', '1');
        expect(await harness.store.transact({ checks: [], writes: [{ type: 'delete', key: 'absent' }] })).toEqual({
          committed: true,
          revision,
        });
        expect(await harness.store.transact({ checks: [{ key: 'a', modRevision: revision }], writes: [] })).toEqual({
          committed: true,
          revision,
        });
        expect(await harness.store.revision()).toBe(revision);
      });

      it('keeps data and revision when it is opened again', async () => {
        const revision = await put('a', '1');
        const before = await harness.store.get('a');
        await harness.reopen();
        expect(await harness.store.get('a')).toEqual(before);
        expect(await harness.store.revision()).toBe(revision);
        expect(await put('b', '2')).toBe(revision + 1);
      });
    });

    describe('transactions', () => {
      it('applies all writes under one revision, or none', async () => {
        const revision = await put('a', '1');
        const refused = await harness.store.transact({
          checks: [
            { key: 'a', modRevision: revision },
            { key: 'b', modRevision: revision },
          ],
          writes: [
            { type: 'put', key: 'b', value: '2' },
            { type: 'delete', key: 'a' },
          ],
        });
        expect(refused).toEqual({ committed: false, revision });
        expect(await harness.store.count('')).toBe(1);
        const done = await harness.store.transact({
          checks: [
            { key: 'a', modRevision: revision },
            { key: 'b', modRevision: 0 },
          ],
          writes: [
            { type: 'put', key: 'b', value: '2' },
            { type: 'delete', key: 'a' },
            { type: 'put', key: 'c', value: '3' },
          ],
        });
        expect(done).toEqual({ committed: true, revision: revision + 1 });
        const page = await harness.store.range({ prefix: '', limit: 10 });
        expect(page.entries.map(({ key, modRevision }) => [key, modRevision])).toEqual([
          ['b', revision + 1],
          ['c', revision + 1],
        ]);
        expect(page.revision).toBe(revision + 1);
      });

      it('lets exactly one of racing compare-and-writes win each revision', async () => {
        let modRevision = await put('counter', '0');
        for (let round = 1; round <= 5; round += 1) {
          const results = await Promise.all(
            Array.from({ length: 100 }, (_, racer) =>
              harness.store.transact({
                checks: [{ key: 'counter', modRevision }],
                writes: [{ type: 'put', key: 'counter', value: `${round}:${racer}` }],
              }),
            ),
          );
          const winners = results.flatMap((result, racer) => (result.committed ? [{ racer, revision: result.revision }] : []));
          expect(winners).toHaveLength(1);
          expect(await harness.store.get('counter')).toMatchObject({
            value: `${round}:${winners[0]!.racer}`,
            modRevision: modRevision + 1,
          });
          modRevision += 1;
        }
      });

      it('gives concurrent transactions revisions of their own', async () => {
        const start = await harness.store.revision();
        const revisions = await Promise.all(Array.from({ length: 100 }, (_, index) => put(`k${index}`, String(index))));
        expect(revisions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => start + 1 + index));
        for (const [index, revision] of revisions.entries()) expect((await harness.store.get(`k${index}`))?.modRevision).toBe(revision);
      });

      it('takes 100 operations and refuses 101, a key twice, and keys that are no text', async () => {
        const writes = (count: number): MetadataWrite[] =>
          Array.from({ length: count }, (_, index) => ({ type: 'put', key: `k${index}`, value: '' }));
        const check = { key: 'absent', modRevision: 0 };
        await expect(harness.store.transact({ checks: [check], writes: writes(100) })).rejects.toMatchObject({ code: 'invariantBroken' });
        expect(await harness.store.transact({ checks: [check], writes: writes(99) })).toMatchObject({ committed: true });
        const twice: MetadataWrite[] = [
          { type: 'put', key: 'x', value: '' },
          { type: 'delete', key: 'x' },
        ];
        await expect(harness.store.transact({ checks: [], writes: twice })).rejects.toMatchObject({ code: 'invariantBroken' });
        for (const key of ['', '\ud800']) await expect(put(key, '')).rejects.toMatchObject({ code: 'invariantBroken' });
        await expect(put('x', '\udfff')).rejects.toMatchObject({ code: 'invariantBroken' });
        expect(await harness.store.get('x')).toBeUndefined();
      });
    });

    describe('ranges', () => {
      it('pages through a prefix in byte order', async () => {
        const inside = ['p/', 'p/a', 'p/a/b', 'p/ab', 'p/ž', 'p/\u{ffff}', 'p/\u{10000}', 'p/\u{10ffff}', 'p/\u{10ffff}x'];
        await commit([...inside, 'p', 'p.', 'p0', 'o/z', 'q'].map((key) => ({ type: 'put', key, value: key })));
        const seen: string[] = [];
        for (let after: string | undefined, more = true; more; ) {
          const page = await harness.store.range({ prefix: 'p/', limit: 2, ...(after === undefined ? {} : { after }) });
          expect(page.entries.length).toBeLessThanOrEqual(2);
          seen.push(...page.entries.map(({ key }) => key));
          after = page.entries.at(-1)?.key;
          more = page.more;
        }
        expect(seen).toEqual(inside.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
        expect(await harness.store.count('p/')).toBe(inside.length);
        expect(await harness.store.count('p/\u{10ffff}')).toBe(2);
      });

      it('says no more exactly at the end, and nothing for an empty prefix', async () => {
        await commit(['a', 'b'].map((key) => ({ type: 'put', key, value: '' })));
        expect(await harness.store.range({ prefix: '', limit: 2 })).toMatchObject({ more: false });
        expect(await harness.store.range({ prefix: '', limit: 1 })).toMatchObject({ more: true });
        expect(await harness.store.range({ prefix: 'c', limit: 1 })).toMatchObject({ entries: [], more: false });
        await expect(harness.store.range({ prefix: '', limit: 0 })).rejects.toMatchObject({ code: 'invariantBroken' });
        await expect(harness.store.range({ prefix: '', limit: 1001 })).rejects.toMatchObject({ code: 'invariantBroken' });
      });
    });

    describe('watches', () => {
      it('tells every change of the prefix from an old revision on, then the new ones', async () => {
        const first = await put('w/a', '1');
        await put('other', 'x');
        const deleted = await commit([
          { type: 'delete', key: 'w/a' },
          { type: 'put', key: 'w/b', value: '2' },
        ]);
        await using watch = startWatch(harness.store, { prefix: 'w/', fromRevision: first });
        await watch.until(deleted.revision);
        const live = await put('w/c', '3');
        await watch.until(live);
        const entry = (key: string, value: string, revision: number) => ({ key, value, createRevision: revision, modRevision: revision });
        expect(watch.changes()).toEqual([
          { revision: first, events: [{ type: 'put', entry: entry('w/a', '1', first) }] },
          {
            revision: deleted.revision,
            events: [
              { type: 'delete', key: 'w/a', modRevision: deleted.revision },
              { type: 'put', entry: entry('w/b', '2', deleted.revision) },
            ],
          },
          { revision: live, events: [{ type: 'put', entry: entry('w/c', '3', live) }] },
        ]);
      });

      it('waits for a revision that is still to come', async () => {
        const now = await put('w/a', '1');
        await using watch = startWatch(harness.store, { prefix: 'w/', fromRevision: now + 2 });
        await put('w/a', '2');
        const last = await put('w/a', '3');
        await watch.until(last);
        expect(watch.changes().map(({ revision }) => revision)).toEqual([last]);
      });

      it('tells progress past changes of other keys', async () => {
        const from = await put('w/a', '1');
        await using watch = startWatch(harness.store, { prefix: 'w/', fromRevision: from });
        await watch.until(from);
        const elsewhere = await put('elsewhere', '1');
        await watch.until(elsewhere);
        expect(watch.changes()).toHaveLength(1);
      });

      it('has no gaps and no duplicates under load, for fast and slow readers and late starts', async () => {
        const start = (await harness.store.revision()) + 1;
        const watches = [
          startWatch(harness.store, { prefix: 'w/', fromRevision: start }),
          startWatch(harness.store, { prefix: 'w/', fromRevision: start, pauseEvery: 7 }),
        ];
        const expected: number[] = [];
        for (let round = 0; round < 20; round += 1) {
          const revisions = await Promise.all(
            Array.from({ length: 50 }, (_, index) => (index % 5 === 0 ? put(`other/${index}`, '') : put(`w/${index % 20}`, `${round}`))),
          );
          expected.push(...revisions.filter((_, index) => index % 5 !== 0));
          if (round % 5 === 0) watches.push(startWatch(harness.store, { prefix: 'w/', fromRevision: start }));
        }
        const end = await put('w/end', '');
        expected.push(end);
        expected.sort((a, b) => a - b);
        for (const watch of watches) {
          await watch.until(end);
          expect(watch.changes().map(({ revision }) => revision)).toEqual(expected);
          await watch[Symbol.asyncDispose]();
        }
      });

      it('ends normally when its signal aborts, also before it began', async () => {
        const end = new AbortController();
        const watch = harness.store
          .watch({ prefix: '', fromRevision: (await harness.store.revision()) + 1, signal: end.signal })
          [Symbol.asyncIterator]();
        const next = watch.next();
        end.abort();
        expect((await next).done).toBe(true);
        const batches = await Array.fromAsync(harness.store.watch({ prefix: '', fromRevision: 1, signal: AbortSignal.abort() }));
        expect(batches).toEqual([]);
      });

      it('goes back across a new opening', async () => {
        const from = await put('w/a', '1');
        await harness.reopen();
        const last = await put('w/b', '2');
        await using watch = startWatch(harness.store, { prefix: 'w/', fromRevision: from });
        await watch.until(last);
        expect(watch.changes().map(({ revision }) => revision)).toEqual([from, last]);
      });

      it('says so when the revision is compacted', async () => {
        const from = await put('w/a', '1');
        await put('w/a', '2');
        await harness.compact();
        const watch = harness.store.watch({ prefix: 'w/', fromRevision: from, signal: new AbortController().signal });
        await expect(Array.fromAsync(watch)).rejects.toMatchObject({ code: 'metadataCompacted' });
        expect((await harness.store.get('w/a'))?.value).toBe('2');
      });
    });

    describe('leases', () => {
      const putLeased = async (key: string, leaseId: string) => commit([{ type: 'put', key, value: '', leaseId }]);

      it('deletes the keys of a revoked lease under one revision', async () => {
        const lease = await harness.store.grantLease(60_000);
        await putLeased('l/a', lease.id);
        const { revision } = await putLeased('l/b', lease.id);
        expect(await harness.store.get('l/a')).toMatchObject({ leaseId: lease.id });
        await using watch = startWatch(harness.store, { prefix: 'l/', fromRevision: revision + 1 });
        await lease.revoke();
        expect(await harness.store.count('l/')).toBe(0);
        await watch.until(revision + 1);
        const keys = watch.changes().flatMap(({ events }) => events.map((event) => (event.type === 'delete' ? event.key : 'put')));
        expect(keys.toSorted()).toEqual(['l/a', 'l/b']);
        expect(watch.changes().map((batch) => batch.revision)).toEqual([revision + 1]);
        await lease.revoke();
        await expect(lease.keepAlive()).rejects.toMatchObject({ code: 'leaseLost' });
        await expect(putLeased('l/c', lease.id)).rejects.toMatchObject({ code: 'leaseLost' });
        expect(await harness.store.revision()).toBe(revision + 1);
      });

      it('writes nothing of a transaction that names a lost lease', async () => {
        const lease = await harness.store.grantLease(60_000);
        await lease.revoke();
        const writes: MetadataWrite[] = [
          { type: 'put', key: 'plain', value: '' },
          { type: 'put', key: 'leased', value: '', leaseId: lease.id },
        ];
        await expect(harness.store.transact({ checks: [], writes })).rejects.toMatchObject({ code: 'leaseLost' });
        expect(await harness.store.get('plain')).toBeUndefined();
      });

      it('frees a key that is put again without the lease', async () => {
        const lease = await harness.store.grantLease(60_000);
        await putLeased('a', lease.id);
        await put('a', 'free');
        await lease.revoke();
        expect(await harness.store.get('a')).toMatchObject({ value: 'free' });
      });

      it('ends a lease that nobody keeps alive, not before its time, and keeps one that somebody does', async () => {
        const kept = await harness.store.grantLease(leaseTtlMs);
        const lost = await harness.store.grantLease(leaseTtlMs);
        const grantedAt = performance.now();
        await putLeased('kept', kept.id);
        const { revision } = await putLeased('lost', lost.id);
        const keeper = setInterval(() => void kept.keepAlive().catch(() => {}), leaseTtlMs / 5);
        try {
          await using watch = startWatch(harness.store, { prefix: 'lost', fromRevision: revision + 1 });
          await watch.until(revision + 1);
          expect(watch.changes()).toEqual([
            { revision: revision + 1, events: [{ type: 'delete', key: 'lost', modRevision: revision + 1 }] },
          ]);
          expect(performance.now() - grantedAt).toBeGreaterThan(leaseTtlMs * 0.9);
          expect(await harness.store.get('kept')).toBeDefined();
          await expect(lost.keepAlive()).rejects.toMatchObject({ code: 'leaseLost' });
        } finally {
          clearInterval(keeper);
        }
      });

      it('keeps leases when it is opened again, and ends them then', async () => {
        const lease = await harness.store.grantLease(leaseTtlMs);
        const { revision } = await putLeased('l', lease.id);
        await harness.reopen();
        expect(await harness.store.get('l')).toMatchObject({ leaseId: lease.id });
        await using watch = startWatch(harness.store, { prefix: 'l', fromRevision: revision + 1 });
        await watch.until(revision + 1);
        expect(await harness.store.get('l')).toBeUndefined();
      });
    });

    it('behaves like a map with a counter', async () => {
      const key = fc.constantFrom('a', 'a/b', 'b', 'ž');
      const write = fc.oneof(
        fc.record({ type: fc.constant('put' as const), key, value: fc.string({ maxLength: 5 }) }),
        fc.record({ type: fc.constant('delete' as const), key }),
      );
      const step = fc.record({
        /** Checks of the right revision, or of one beside it. */
        checks: fc.uniqueArray(fc.record({ key, off: fc.constantFrom(0, 0, 0, 1) }), { maxLength: 2, selector: (check) => check.key }),
        writes: fc.uniqueArray(write, { maxLength: 3, selector: (one) => one.key }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
          const { store } = harness;
          const old = await store.range({ prefix: '', limit: 1000 });
          await commit(old.entries.map((entry) => ({ type: 'delete', key: entry.key })));
          const model = new Map<string, { value: string; createRevision: number; modRevision: number }>();
          let revision = await store.revision();
          for (const { checks, writes } of steps) {
            const result = await store.transact({
              checks: checks.map((check) => ({ key: check.key, modRevision: (model.get(check.key)?.modRevision ?? 0) + check.off })),
              writes,
            });
            const holds = checks.every((check) => check.off === 0);
            if (holds && writes.some((one) => one.type === 'put' || model.has(one.key))) revision += 1;
            expect(result).toEqual({ committed: holds, revision });
            if (!holds) continue;
            for (const one of writes) {
              if (one.type === 'delete') model.delete(one.key);
              else {
                const createRevision = model.get(one.key)?.createRevision ?? revision;
                model.set(one.key, { value: one.value, createRevision, modRevision: revision });
              }
            }
          }
          const page = await store.range({ prefix: '', limit: 1000 });
          const expected = [...model].map(([name, entry]) => ({ key: name, ...entry })).toSorted((a, b) => (a.key < b.key ? -1 : 1));
          expect(page).toEqual({ entries: expected, more: false, revision });
        }),
        { numRuns: 30 },
      );
    });
  });
}

interface RunningWatch extends AsyncDisposable {
  /** Resolves when everything up to the revision has been told. */
  until(revision: number): Promise<void>;
  /** Batches with events so far. */
  changes(): WatchBatch[];
}

interface StartWatch {
  readonly prefix: string;
  readonly fromRevision: number;
  /** A slow reader gives way to others after so many batches. */
  readonly pauseEvery?: number;
}

function startWatch(store: MetadataStore, { prefix, fromRevision, pauseEvery }: StartWatch): RunningWatch {
  const end = new AbortController();
  const batches: { revision: number; events: readonly WatchEvent[] }[] = [];
  let arrived = Promise.withResolvers<void>();
  let reached = 0;
  let count = 0;
  const running = (async () => {
    for await (const batch of store.watch({ prefix, fromRevision, signal: end.signal })) {
      if (batch.events.length > 0) batches.push(batch);
      reached = batch.revision;
      arrived.resolve();
      count += 1;
      if (pauseEvery !== undefined && count % pauseEvery === 0) await store.revision();
    }
  })();
  return {
    until: async (revision) => {
      while (reached < revision) {
        arrived = Promise.withResolvers();
        await Promise.race([arrived.promise, running.then(() => Promise.reject(new Error('The watch ended.')))]);
      }
    },
    changes: () => batches,
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await running;
    },
  };
}
