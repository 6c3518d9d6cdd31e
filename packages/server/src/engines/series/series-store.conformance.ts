import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Bucket,
  type BucketFunction,
  bucketFunctions,
  type LogPartition,
  type SeriesBatch,
  type SeriesCapabilities,
  type SeriesPoint,
  type SeriesStore,
  type TimeWindow,
} from './series-store.ts';

/** One empty series of an adapter, its schema ensured. */
export interface SeriesHarness extends AsyncDisposable {
  readonly store: SeriesStore;
  /** Another store of the same series, as another process would open it; where only one process can, the same one. */
  readonly other: SeriesStore;
  /** Closes the stores and opens the same data again. */
  reopen(): Promise<void>;
}

const never = new AbortController().signal;
const here: LogPartition = { route: 'high', topicId: 'topic-1', partition: 0 };
/** 2026-06-24, in the middle of a bucket of any length in these tests. */
const t0 = Date.UTC(2026, 5, 24, 10, 0, 3, 210);

/** The contract of `SeriesStore`. Parts of it hold for one kind of store only. */
export function describeSeriesStore(name: string, capabilities: SeriesCapabilities, open: () => Promise<SeriesHarness>): void {
  const { exactlyOnce, keepsAmountText, maxTimeMs } = capabilities;
  const isTransactional = exactlyOnce === 'transactional';

  describe(`${name}: series store`, () => {
    let harness: SeriesHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(async () => {
      await harness[Symbol.asyncDispose]();
    });
    /** Stores the points as one batch that ends behind the last one. */
    const store = async (points: readonly SeriesPoint[], given: Partial<SeriesBatch> = {}) => {
      const partition = given.partition ?? here;
      const from = (await harness.store.readProgress(partition, never))?.next ?? 0;
      const to = Math.max(from, points.at(-1)?.offset ?? from) + 1;
      const outcome = await harness.store.write({ partition, from, to, points, ...given }, never);
      expect(outcome).toEqual({ outcome: 'stored', refused: [] });
    };
    const buckets = (window: TimeWindow, stepMs: number, fn: BucketFunction = 'count') =>
      harness.store.readBuckets({ window, stepMs, fn }, never);
    const offsets = (partition = here, { fromMs, toMs }: TimeWindow = { fromMs: 0, toMs: maxTimeMs }) =>
      harness.store.readOffsets({ ...partition, window: { fromMs, toMs }, fromOffset: 0, toOffset: 1_000_000 }, never);

    it('declares what it promises', () => {
      expect(harness.store.capabilities).toEqual({ exactlyOnce, keepsAmountText, maxTimeMs });
    });

    it('prepares its schema again and again, also at once, without a change to what is stored', async () => {
      await store([point(0, t0, 7)]);
      await Promise.all([harness.store, harness.other, harness.store].map((one) => one.ensureSchema(never)));
      expect(await harness.store.countPoints(never)).toBe(1);
      await harness.store.probe(never);
    });

    it('shows what it has stored, also when it is opened again', async () => {
      await store([point(0, t0, 1.5), point(1, t0 + 1, -2), point(7, t0 + 1, 4)]);
      for (let time = 0; time < 2; time += 1) {
        expect(await harness.store.countPoints(never)).toBe(3);
        expect(await offsets()).toEqual([0, 1, 7]);
        const value = { count: 3, sum: 3.5, avg: 3.5 / 3, min: -2, max: 4 };
        for (const fn of bucketFunctions) {
          const found = await buckets({ fromMs: t0, toMs: t0 + 2 }, 10_000, fn);
          expect(found, fn).toEqual([{ startMs: Date.UTC(2026, 5, 24, 10, 0, 0), count: 3, value: value[fn] }]);
        }
        await harness.reopen();
      }
    });

    it('finds what a model finds, for any points, windows, steps and functions', async () => {
      let next = 0;
      let base = t0;
      const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.integer({ min: -4000, max: 4000 }), fc.nat(2)), {
        maxLength: 40,
      });
      const window = fc.tuple(fc.integer({ min: -20, max: 320 }), fc.integer({ min: 0, max: 340 }));
      await fc.assert(
        fc.asyncProperty(rows, window, fc.constantFrom(1, 7, 10, 60, 100, 1000), async (given, [from, length], stepMs) => {
          // Every run has a time of its own.
          base += 10_000;
          const points = given.map(([ms, quarters, gap]) => {
            next += 1 + gap;
            return point(next - 1, base + ms, quarters / 4);
          });
          await store(points);
          next += 1;
          const asked = { fromMs: base + from, toMs: base + from + length };
          for (const fn of bucketFunctions)
            expect(await buckets(asked, stepMs, fn), fn).toEqual(modelBuckets(points, asked, { stepMs, fn }));
          const within = points.filter(({ timeMs }) => isIn(timeMs, asked)).map(({ offset }) => offset);
          expect(await offsets(here, asked)).toEqual(within);
        }),
        { numRuns: 25 },
      );
    });

    it('takes points of one moment, of long ago and of tomorrow', async () => {
      const same = Array.from({ length: 3000 }, (_, index) => point(index, t0, index % 7));
      const far = [point(3000, 0, 1), point(3001, t0 + 23 * 3_600_000, 2), point(3002, 1, 3), point(3003, maxTimeMs, 4)];
      await store([...same, ...far]);
      expect(await harness.store.countPoints(never)).toBe(3004);
      expect(await buckets({ fromMs: t0, toMs: t0 + 1 }, 1000)).toEqual([{ startMs: t0 - 210, count: 3000, value: 3000 }]);
      expect(await buckets({ fromMs: 0, toMs: 10 }, 10, 'sum')).toEqual([{ startMs: 0, count: 2, value: 4 }]);
      expect(await offsets(here, { fromMs: t0 + 3_600_000, toMs: maxTimeMs })).toEqual([3001]);
    });

    it('takes amounts of any size and sign', async () => {
      const amounts = [1e308, 1e308, -1e308, 5e-324, -0, 0.1, 1e21, 123_456_789.123, -1e-7];
      await store(amounts.map((amount, offset) => point(offset, t0 + 1000 * offset, amount)));
      for (const [index, amount] of amounts.entries()) {
        const [bucket] = await buckets({ fromMs: t0 + 1000 * index, toMs: t0 + 1000 * index + 1 }, 1, 'max');
        expect(bucket?.value === amount, `${bucket?.value} for ${amount}`).toBe(true);
      }
      const both = { fromMs: t0, toMs: t0 + 2000 };
      expect((await buckets(both, 100_000, 'avg')).map(({ value }) => value)).toEqual([1e308]);
      expect((await buckets(both, 100_000, 'sum')).map(({ value }) => value)).toEqual([Number.POSITIVE_INFINITY]);
      expect((await buckets({ fromMs: t0, toMs: t0 + 3000 }, 100_000, 'sum')).map(({ value }) => value)).toEqual([1e308]);
    });

    it('keeps partitions and topics apart that have the same offsets and times', async () => {
      const places = [here, { ...here, partition: 1 }, { ...here, topicId: 'topic-2' }, { ...here, partition: 0x7fff_ffff }];
      for (const partition of places) await store([point(0, t0, 1), point(1, t0, 1)], { partition });
      expect(await harness.store.countPoints(never)).toBe(8);
      for (const partition of places) expect(await offsets(partition)).toEqual([0, 1]);
      expect(await offsets({ ...here, partition: 5 })).toEqual([]);
      expect(await offsets({ ...here, topicId: 'topic-3' })).toEqual([]);
    });

    it('takes batches without points, of many points, and behind gaps', async () => {
      await store([]);
      await store([]);
      const many = Array.from({ length: 12_345 }, (_, index) => point(10 + 3 * index, t0 + index, 1));
      await store(many);
      await store([point(999_999, t0, 2)], { to: 2_000_000 });
      expect(await harness.store.countPoints(never)).toBe(12_346);
      expect(await offsets()).toEqual([...many.map(({ offset }) => offset), 999_999]);
    });

    it('finds offsets over and beside a million', async () => {
      const found = [999_999, 1_000_000, 1_999_999, 2_000_000, 2 ** 40, 2 ** 40 + 1];
      await store(found.map((offset) => point(offset, t0, 1)));
      const all = { ...here, window: { fromMs: t0, toMs: t0 + 1 } };
      expect(await harness.store.readOffsets({ ...all, fromOffset: 999_999, toOffset: 1_999_999 }, never)).toEqual([999_999, 1_000_000]);
      expect(await harness.store.readOffsets({ ...all, fromOffset: 1_000_001, toOffset: 2_000_001 }, never)).toEqual([
        1_999_999, 2_000_000,
      ]);
      expect(await harness.store.readOffsets({ ...all, fromOffset: 2 ** 40, toOffset: 2 ** 40 + 1 }, never)).toEqual([2 ** 40]);
      expect(await harness.store.countPoints(never)).toBe(found.length);
    });

    it('takes names with quotes, commas, spaces and words of SQL', async () => {
      const odd = { route: `it's "high", a=b`, topicId: `a\\b, "c" d=é';DROP TABLE events;`, partition: 3 };
      await store([point(0, t0, 1)], { partition: odd });
      expect(await offsets(odd)).toEqual([0]);
    });

    it('refuses batches and queries that break the rules', async () => {
      const fine: SeriesBatch = { partition: here, from: 0, to: 10, points: [point(1, t0, 1)] };
      const broken: Partial<SeriesBatch>[] = [
        { from: 10 },
        { from: -1 },
        { to: 0.5 },
        { points: [point(10, t0, 1)] },
        { points: [point(2, t0, 1), point(2, t0, 1)] },
        { points: [point(1, t0 + 0.5, 1)] },
        { points: [point(1, -1, 1)] },
        { points: [point(1, t0, Number.NaN)] },
        { points: [point(1, t0, Number.POSITIVE_INFINITY)] },
        { partition: { ...here, partition: -1 } },
        { partition: { ...here, route: 'a\0b' } },
        { partition: { ...here, topicId: '' } },
        { repeats: { chunk: new Uint8Array(), forgetThrough: 1 } },
      ];
      for (const each of broken) {
        const writing = harness.store.write({ ...fine, ...each }, never);
        await expect(writing, JSON.stringify(each)).rejects.toMatchObject({ code: 'invariantBroken' });
      }
      const window = { fromMs: 0, toMs: 200_000 };
      for (const stepMs of [0, 1, 1.5, -10]) {
        const reading = harness.store.readBuckets({ window, stepMs, fn: 'count' }, never);
        await expect(reading, `${stepMs}`).rejects.toMatchObject({ code: 'invariantBroken' });
      }
      expect(await harness.store.countPoints(never)).toBe(0);
    });

    it('rejects with the reason of a signal that has aborted', async () => {
      const aborted = AbortSignal.abort(new Error('enough'));
      const batch = { partition: here, from: 0, to: 1, points: [point(0, t0, 1)] };
      await expect(harness.store.write(batch, aborted)).rejects.toThrow('enough');
      await expect(harness.store.countPoints(aborted)).rejects.toThrow('enough');
      expect(await harness.store.countPoints(never)).toBe(0);
    });

    it('stores points again without a change', async () => {
      const points = [point(0, t0, 1), point(1, t0, 2), point(5, t0 + 5, 3)];
      const batch = { partition: here, from: 0, to: 6, points };
      await harness.store.readProgress(here, never);
      for (let time = 0; time < 3; time += 1) {
        const outcome = await harness.store.write(batch, never);
        expect(outcome).toEqual(isTransactional && time > 0 ? { outcome: 'fenced', next: 6 } : { outcome: 'stored', refused: [] });
        if (time === 1) await harness.reopen();
      }
      expect(await harness.store.countPoints(never)).toBe(3);
      expect(await offsets()).toEqual([0, 1, 5]);
      expect((await buckets({ fromMs: t0, toMs: t0 + 6 }, 3_600_000, 'sum'))[0]?.value).toBe(6);
    });

    if (!isTransactional) {
      it('keeps no progress and no repeats', async () => {
        expect(await harness.store.readProgress(here, never)).toBeUndefined();
        expect(await harness.store.readRepeats({ partition: here, after: 0 }, never)).toEqual({ chunks: [], more: false });
      });
      return;
    }

    describe('progress', () => {
      const next = async (partition = here) => (await harness.store.readProgress(partition, never))?.next;

      it('begins at 0 for each route, topic and partition, and is entered once', async () => {
        const places = [here, { ...here, route: 'low' }, { ...here, topicId: 'topic-2' }, { ...here, partition: 1 }];
        for (const partition of places) {
          const [first, ...later] = await Promise.all([harness.store, harness.other].map((one) => one.readProgress(partition, never)));
          expect([first, ...later].filter((progress) => progress?.isNew)).toHaveLength(1);
          expect(await harness.store.readProgress(partition, never)).toEqual({ next: 0, isNew: false });
        }
        await store([point(4, t0, 1)], { to: 9 });
        await harness.reopen();
        expect(await Promise.all(places.map(next))).toEqual([9, 0, 0, 0]);
      });

      it('lets one of the writers of a batch store it, and tells the others where to go on', async () => {
        await harness.store.readProgress(here, never);
        for (let round = 0; round < 5; round += 1) {
          const batch = { partition: here, from: 10 * round, to: 10 * round + 10, points: [point(10 * round + 3, t0, 1)] };
          const outcomes = await Promise.all(
            Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? harness.store : harness.other).write(batch, never)),
          );
          expect(outcomes.toSorted((a, b) => a.outcome.localeCompare(b.outcome))).toEqual([
            ...Array.from({ length: 5 }, () => ({ outcome: 'fenced', next: batch.to })),
            { outcome: 'stored', refused: [] },
          ]);
        }
        expect(await offsets()).toEqual([3, 13, 23, 33, 43]);
      });

      it('fences a partition whose progress was never read, at 0', async () => {
        const batch = { partition: here, from: 5, to: 6, points: [point(5, t0, 1)] };
        expect(await harness.store.write(batch, never)).toEqual({ outcome: 'fenced', next: 0 });
        expect(await harness.store.countPoints(never)).toBe(0);
      });

      it('stores every record once, whatever two writers that do not know of each other do', async () => {
        const step = fc.record({ isOther: fc.boolean(), length: fc.integer({ min: 1, max: 6 }), isAsked: fc.boolean() });
        let partition = 100;
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
            partition += 1;
            const place = { ...here, partition };
            const writers = [harness.store, harness.other].map((one) => ({ one, at: 0 }));
            let end = 0;
            await harness.store.readProgress(place, never);
            for (const { isOther, length, isAsked } of steps) {
              const writer = writers[Number(isOther)]!;
              if (isAsked) writer.at = (await writer.one.readProgress(place, never))!.next;
              const [from, to] = [writer.at, writer.at + length];
              const points = Array.from({ length }, (_, index) => point(from + index, t0, 1));
              const outcome = await writer.one.write({ partition: place, from, to, points }, never);
              expect(outcome).toEqual(from === end ? { outcome: 'stored', refused: [] } : { outcome: 'fenced', next: end });
              if (outcome.outcome === 'stored') end = to;
              writer.at = outcome.outcome === 'fenced' ? outcome.next : to;
            }
            expect(await offsets(place)).toEqual(Array.from({ length: end }, (_, index) => index));
          }),
          { numRuns: 15 },
        );
      });
    });

    describe('repeats', () => {
      const write = async (from: number, chunk: Uint8Array, forgetThrough = 0) => {
        const batch = { partition: here, from, to: from + 10, points: [point(from, t0, 1)], repeats: { chunk, forgetThrough } };
        return (await harness.store.write(batch, never)).outcome;
      };
      const readAll = async (partition = here) => {
        const all: { to: number; bytes: Uint8Array }[] = [];
        for (let more = true; more; ) {
          const page = await harness.store.readRepeats({ partition, after: all.at(-1)?.to ?? 0 }, never);
          expect(page.chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(5 * 1024 * 1024 + 1);
          all.push(...page.chunks);
          more = page.more;
        }
        return all.map(({ to, bytes }) => [to, Buffer.from(bytes).toString('latin1', 0, 20)]);
      };
      beforeEach(async () => {
        await harness.store.readProgress(here, never);
      });

      it('come back in their order until they are forgotten, and not of batches that were fenced', async () => {
        const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
        expect(await write(0, bytes)).toBe('stored');
        expect(await write(10, Buffer.from('second'))).toBe('stored');
        expect(await write(10, Buffer.from('fenced'))).toBe('fenced');
        expect(await write(20, new Uint8Array())).toBe('stored');
        expect(await write(30, Buffer.from('third'))).toBe('stored');
        const page = await harness.store.readRepeats({ partition: here, after: 0 }, never);
        expect(Buffer.from(page.chunks[0]!.bytes).equals(bytes)).toBe(true);
        const first = [10, bytes.toString('latin1', 0, 20)];
        expect(await readAll()).toEqual([first, [20, 'second'], [40, 'third']]);
        expect(await write(30, new Uint8Array(), 20)).toBe('fenced');
        await harness.reopen();
        expect(await readAll()).toEqual([first, [20, 'second'], [40, 'third']]);
        expect(await write(40, Buffer.from('fourth'), 20)).toBe('stored');
        expect(await readAll()).toEqual([
          [40, 'third'],
          [50, 'fourth'],
        ]);
        expect(await readAll({ ...here, route: 'low' })).toEqual([]);
      });

      it('come in pages where they are many or large', async () => {
        const large = Buffer.alloc(700_000, 'x');
        const chunks = [
          large,
          large,
          Buffer.alloc(4 * 1024 * 1024, 'y'),
          ...Array.from({ length: 30 }, (_, index) => Buffer.from(`${index}`)),
        ];
        for (const [index, chunk] of chunks.entries()) expect(await write(10 * index, chunk)).toBe('stored');
        expect(await readAll()).toEqual(chunks.map((chunk, index) => [10 * index + 10, chunk.toString('latin1', 0, 20)]));
      });
    });
  });
}

export function point(offset: number, timeMs: number, amount: number): SeriesPoint {
  return { offset, timeMs, amount, amountText: String(amount) };
}

function isIn(timeMs: number, { fromMs, toMs }: TimeWindow): boolean {
  return timeMs >= fromMs && timeMs < toMs;
}

function modelBuckets(
  points: readonly SeriesPoint[],
  window: TimeWindow,
  { stepMs, fn }: { readonly stepMs: number; readonly fn: BucketFunction },
): Bucket[] {
  const within = points.filter(({ timeMs }) => isIn(timeMs, window));
  const byStart = Map.groupBy(within, ({ timeMs }) => Math.floor(timeMs / stepMs) * stepMs);
  return [...byStart]
    .toSorted(([a], [b]) => a - b)
    .map(([startMs, inside]) => {
      const amounts = inside.map(({ amount }) => amount);
      const sum = amounts.reduce((total, amount) => total + amount, 0);
      const values = { count: amounts.length, sum, avg: sum / amounts.length, min: Math.min(...amounts), max: Math.max(...amounts) };
      return { startMs, count: amounts.length, value: values[fn] };
    });
}
