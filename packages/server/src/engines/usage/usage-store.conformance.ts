import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dayMs, hourMs, maxWrittenRanges, type PacketRun, type UsageRange, type UsageStore } from './usage-store.ts';

/** One empty store of an adapter that keeps ranges and packets for good. */
export interface UsageHarness extends AsyncDisposable {
  readonly store: UsageStore;
  /** Another store of the same data, as another process would open it; where only one process can, the same one. */
  readonly other: UsageStore;
  /** Closes the stores and opens the same data again. */
  reopen(): Promise<void>;
}

const never = new AbortController().signal;
/** 2026-06-24, an hour of UTC. */
const h0 = Date.UTC(2026, 5, 24, 10);
const allHours = { fromMs: h0 - 48 * hourMs, toMs: h0 + 48 * hourMs };
/** What a careless statement would read as a part of itself, and what it would not find again. */
const hostile = [
  "x'; DROP TABLE users; --",
  "' OR '1'='1",
  '"; DELETE FROM usage_ranges; "',
  "a''b",
  '$$; TRUNCATE users; $$',
  '%_?:name{}',
  'süß 🐟 \u{10ffff}',
  '\\',
  'null',
];

interface Given {
  readonly user?: string;
  readonly channel?: string;
  readonly session?: string;
  readonly hour?: number;
}

/** Range number `flush` of a session whose ranges have 10 packets each, all in one hour. */
export function testRange(flush: number, { user = 'user-1', channel = 'zato01', session = 's1', hour = h0 }: Given = {}): UsageRange {
  const of = (count: number) => ({ packets: 10 * count, bytes: 13_160 * count, mediaMs: 200 * count, dropped: count });
  const total = { ...of(flush), startMs: hour + 1000, endMs: hour + 1000 * flush };
  const key = { user, hourMs: hour, channel, sessionId: session, flush };
  return { ...key, epoch: 1, from: (flush - 1) * 11, to: flush * 11 - 2, ...of(1), total };
}

export function describeUsageStore(name: string, open: () => Promise<UsageHarness>): void {
  describe(`${name}: usage store`, () => {
    let harness: UsageHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(async () => {
      await harness[Symbol.asyncDispose]();
    });
    const sums = (user = 'user-1', window = allHours) => harness.store.sumUsage({ user, ...window }, never);
    const ranges = (user = 'user-1') => harness.store.listRanges({ user, ...allHours, limit: 1000 }, never);
    const sessions = (user = 'user-1') => harness.store.listSessions({ user, ...allHours, limit: 1000 }, never);
    const withoutTotal = ({ total: _total, ...range }: UsageRange) => range;

    it('registers a user once, finds it with its first time, and removes it', async () => {
      const { store, other } = harness;
      expect(await store.findUser('user-1', never)).toBeUndefined();
      expect(await store.addUser({ user: 'user-1', registeredAtMs: h0 }, never)).toBe(true);
      expect(await other.addUser({ user: 'user-1', registeredAtMs: h0 + 5 }, never)).toBe(false);
      expect(await other.findUser('user-1', never)).toEqual({ user: 'user-1', registeredAtMs: h0 });
      expect(await store.findUser('user-10', never)).toBeUndefined();
      expect(await store.removeUser('user-1', never)).toBe(true);
      expect(await store.removeUser('user-1', never)).toBe(false);
      expect(await other.findUser('user-1', never)).toBeUndefined();
      expect(await store.addUser({ user: 'user-1', registeredAtMs: h0 + 9 }, never)).toBe(true);
    });

    it('shows what it has stored, also when it is opened again', async () => {
      const first = testRange(1);
      await harness.store.addUser({ user: 'user-1', registeredAtMs: h0 }, never);
      await harness.store.writeRanges([first], never);
      for (let time = 0; time < 2; time += 1) {
        expect(await sums()).toEqual([{ hourMs: h0, channel: 'zato01', packets: 10, bytes: 13_160, mediaMs: 200, dropped: 1 }]);
        expect(await ranges()).toEqual({ rows: [withoutTotal(first)], more: false });
        const { user, channel, sessionId } = first;
        expect(await sessions()).toEqual({
          rows: [{ user, hourMs: h0, channel, sessionId, flush: 1, ...first.total }],
          more: false,
        });
        expect(await harness.store.findUser('user-1', never)).toEqual({ user: 'user-1', registeredAtMs: h0 });
        await harness.reopen();
      }
    });

    it('keeps usage of a user that is removed', async () => {
      await harness.store.addUser({ user: 'user-1', registeredAtMs: h0 }, never);
      await harness.store.writeRanges([testRange(1)], never);
      await harness.store.removeUser('user-1', never);
      expect(await sums()).toMatchObject([{ packets: 10 }]);
    });

    it('counts a range once, however often, in whatever order and by whom it is written', async () => {
      const all = Array.from({ length: 6 }, (_, index) => testRange(index + 1));
      const writes = fc.array(fc.record({ at: fc.nat(5), length: fc.integer({ min: 1, max: 6 }), isOther: fc.boolean() }), {
        maxLength: 6,
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(writes, async (given) => {
          run += 1;
          const user = `user-${run}`;
          const own = all.map((range) => ({ ...range, user }));
          for (const { at, length, isOther } of given)
            await (isOther ? harness.other : harness.store).writeRanges(own.slice(at, at + length).toReversed(), never);
          await harness.store.writeRanges(own, never);
          await harness.other.writeRanges(own.slice(0, 3), never);
          expect(await sums(user)).toEqual([{ hourMs: h0, channel: 'zato01', packets: 60, bytes: 78_960, mediaMs: 1200, dropped: 6 }]);
          expect((await ranges(user)).rows).toEqual(own.map(withoutTotal));
        }),
        { numRuns: 15 },
      );
    });

    it('lets two writers at once write the same and their own', async () => {
      const mine = Array.from({ length: 300 }, (_, index) => testRange(index + 1));
      const theirs = mine.map((range) => ({ ...range, sessionId: 's2' }));
      await Promise.all([
        harness.store.writeRanges(mine, never),
        harness.other.writeRanges([...mine.slice(0, 100), ...theirs], never),
        harness.other.writeRanges(mine.slice(50, 200), never),
      ]);
      expect(await sums()).toMatchObject([{ packets: 6000, bytes: 600 * 13_160, mediaMs: 120_000, dropped: 600 }]);
      expect((await ranges()).rows).toHaveLength(600);
      expect((await sessions()).rows.map(({ sessionId, flush, packets }) => [sessionId, flush, packets])).toEqual([
        ['s1', 300, 3000],
        ['s2', 300, 3000],
      ]);
    });

    it('sums two sessions of one user double, and channels and hours apart', async () => {
      const written = [
        testRange(1),
        testRange(1, { session: 's2' }),
        testRange(1, { channel: 'zato02', session: 's3' }),
        testRange(1, { hour: h0 + hourMs, session: 's1' }),
        testRange(1, { user: 'user-2' }),
      ];
      await harness.store.writeRanges(written, never);
      expect((await sums()).map(({ hourMs: hour, channel, packets }) => [hour, channel, packets])).toEqual([
        [h0, 'zato01', 20],
        [h0, 'zato02', 10],
        [h0 + hourMs, 'zato01', 10],
      ]);
      expect((await sessions()).rows.map(({ sessionId }) => sessionId)).toEqual(['s1', 's2', 's3', 's1']);
    });

    it('takes the hours from the begin of a window to before its end', async () => {
      await harness.store.writeRanges(
        [-1, 0, 1, 2].map((hour) => testRange(1, { hour: h0 + hour * hourMs, session: `s${hour}` })),
        never,
      );
      const window = { fromMs: h0, toMs: h0 + 2 * hourMs };
      expect((await sums('user-1', window)).map(({ hourMs: hour }) => hour)).toEqual([h0, h0 + hourMs]);
      const within = { fromMs: h0 - 1, toMs: h0 + 2 * hourMs + 1 };
      expect((await sums('user-1', within)).map(({ hourMs: hour }) => hour)).toEqual([h0, h0 + hourMs, h0 + 2 * hourMs]);
      for (const list of ['listRanges', 'listSessions'] as const) {
        const { rows } = await harness.store[list]({ user: 'user-1', ...window, limit: 10 }, never);
        expect(rows.map(({ hourMs: hour }) => hour)).toEqual([h0, h0 + hourMs]);
      }
    });

    it('takes corrections, figures of any size, and ranges without a packet', async () => {
      const largest = Number.MAX_SAFE_INTEGER;
      const range = testRange(1);
      const figures = { packets: -3, bytes: -4000, mediaMs: -60, dropped: 0 };
      const corrected = { ...range.total, packets: 7, bytes: 9160, mediaMs: 140 };
      const correction: UsageRange = { ...range, flush: 2, from: 0, to: -1, ...figures, total: corrected };
      const far: UsageRange = { ...testRange(3), from: largest, to: largest, epoch: 7, total: corrected };
      const nothing: UsageRange = { ...testRange(4), from: 0, to: -1, total: corrected };
      await harness.store.writeRanges([range, correction, far, nothing], never);
      expect((await ranges()).rows).toEqual([range, correction, far, nothing].map(withoutTotal));
      expect(await sums()).toMatchObject([{ packets: 7, bytes: 9160, mediaMs: 140 }]);
      const bytes = { ...testRange(1, { channel: 'zato02' }), bytes: largest, total: { ...range.total, bytes: largest } };
      await harness.store.writeRanges([bytes], never);
      expect((await sums())[1]).toMatchObject({ channel: 'zato02', bytes: largest });
    });

    it('gives a list in pages, each row once', async () => {
      const written = [0, 1, 30].flatMap((hour) =>
        ['zato01', 'zato02'].flatMap((channel) =>
          ['s1', 's2'].flatMap((session) => [1, 2, 3].map((flush) => testRange(flush, { channel, session, hour: h0 + hour * hourMs }))),
        ),
      );
      await harness.store.writeRanges(written, never);
      for (const limit of [1, 5, 36, 100]) {
        const found: (typeof written)[number][] = [];
        let more = true;
        while (more) {
          const last = found.at(-1);
          const page = await harness.store.listRanges({ user: 'user-1', ...allHours, limit, ...(last && { after: last }) }, never);
          expect(page.rows.length).toBeLessThanOrEqual(limit);
          const wanted = written.slice(found.length, found.length + limit);
          expect(page.rows).toEqual(wanted.map(withoutTotal));
          found.push(...wanted);
          more = page.more;
        }
        expect(found).toHaveLength(written.length);
      }
      const first = await harness.store.listSessions({ user: 'user-1', ...allHours, limit: 5 }, never);
      const after = first.rows.at(-1);
      const second = await harness.store.listSessions({ user: 'user-1', ...allHours, limit: 20, ...(after && { after }) }, never);
      expect([first.more, first.rows.length, second.more, second.rows.length]).toEqual([true, 5, false, 7]);
      const places = [...first.rows, ...second.rows].map((row) => `${row.hourMs} ${row.channel} ${row.sessionId} ${row.flush}`);
      const wanted = [0, 1, 30].flatMap((hour) =>
        ['zato01', 'zato02'].flatMap((channel) => ['s1', 's2'].map((session) => `${h0 + hour * hourMs} ${channel} ${session} 3`)),
      );
      expect(places).toEqual(wanted);
    });

    it('names every user and hour with usage once', async () => {
      const written = ['user-1', 'user-2', 'user-3'].flatMap((user) =>
        [0, 1].map((hour) => testRange(1, { user, hour: h0 + hour * hourMs })),
      );
      await harness.store.writeRanges(written, never);
      await harness.store.writeRanges(
        written.map((range) => ({ ...range, sessionId: 's2' })),
        never,
      );
      for (const limit of [1, 2, 4, 100]) {
        const found: string[] = [];
        let after: string | undefined;
        do {
          const { rows, next } = await harness.store.listUserHours({ limit, ...(after !== undefined && { after }) }, never);
          found.push(...rows.map(({ user, hourMs: hour }) => `${user} ${hour}`));
          after = next;
        } while (after !== undefined);
        expect(found).toHaveLength(written.length);
        expect(new Set(found)).toEqual(new Set(written.map(({ user, hourMs: hour }) => `${user} ${hour}`)));
      }
    });

    it('takes every text as a text', async () => {
      const { store } = harness;
      for (const text of hostile) await store.addUser({ user: text, registeredAtMs: h0 }, never);
      await store.writeRanges(
        hostile.map((text) => testRange(1, { user: text, channel: text, session: text })),
        never,
      );
      await store.logPackets(
        hostile.map((text) => run(1, { user: text, channel: text, sessionId: text })),
        never,
      );
      for (const text of hostile) {
        expect(await store.findUser(text, never)).toEqual({ user: text, registeredAtMs: h0 });
        expect(await sums(text)).toMatchObject([{ channel: text, packets: 10 }]);
        expect((await ranges(text)).rows).toMatchObject([{ user: text, channel: text, sessionId: text }]);
        expect((await packets({ user: text })).rows).toEqual([run(1, { user: text, channel: text, sessionId: text })]);
      }
      expect(await store.removeUser("' OR '1'='1", never)).toBe(true);
      expect(await store.findUser("a''b", never)).toBeDefined();
      expect(await store.readLegacyCounts({ user: "' OR '1'='1", ...allHours }, never)).toEqual([]);
    });

    const run = (ms: number, given: Partial<PacketRun> = {}): PacketRun => ({
      ...{ user: 'user-1', atMs: h0 + ms, channel: 'zato01', sessionId: 's1', epoch: 1 },
      ...{ from: ms * 10, to: ms * 10 + 9, packets: 10, bytes: 13_160 },
      ...given,
    });
    const packets = (given: Partial<Parameters<UsageStore['listPackets']>[0]> = {}) =>
      harness.store.listPackets({ user: 'user-1', afterMs: h0 - 1, toMs: h0 + 3 * dayMs, limit: 100, ...given }, never);

    it('logs packets once, and gives them by time over days, in pages', async () => {
      const runs = [0, 1, 2, 50_000_000, 90_000_000, 200_000_000].map((ms) => run(ms));
      await harness.store.logPackets(runs.toReversed(), never);
      await harness.other.logPackets(runs.slice(1, 3), never);
      await harness.reopen();
      expect(await packets()).toEqual({ rows: runs, more: false, throughMs: h0 + 3 * dayMs - 1 });
      const first = await packets({ limit: 4 });
      expect(first).toEqual({ rows: runs.slice(0, 4), more: true, throughMs: runs[3]?.atMs });
      expect((await packets({ afterMs: first.throughMs, limit: 4 })).rows).toEqual(runs.slice(4));
      expect((await packets({ afterMs: h0 + 1, toMs: h0 + 90_000_000 })).rows).toEqual(runs.slice(2, 4));
      expect((await packets({ user: 'user-2' })).rows).toEqual([]);
    });

    it('keeps runs of one millisecond on one page', async () => {
      const runs = ['zato01', 'zato02', 'zato03'].map((channel) => run(5, { channel }));
      await harness.store.logPackets([run(4), ...runs], never);
      expect(await packets({ limit: 2 })).toEqual({ rows: [run(4)], more: true, throughMs: h0 + 4 });
      expect((await packets({ afterMs: h0 + 4, limit: 3 })).rows).toEqual(runs);
      expect(await packets({ afterMs: h0 + 4, limit: 2 })).toMatchObject({ rows: runs.slice(0, 2), more: true, throughMs: h0 + 5 });
    });

    it('refuses what breaks its rules before it touches the store', async () => {
      const { store } = harness;
      const range = testRange(1);
      const broken = { code: 'invariantBroken' };
      const wrong: Partial<UsageRange>[] = [
        { user: '' },
        { channel: 'a\0b' },
        { sessionId: '\ud800' },
        { hourMs: h0 + 1 },
        { flush: 0 },
        { from: 5, to: 3 },
        { packets: 1.5 },
        { dropped: -1 },
        { total: { ...range.total, packets: -1 } },
        { total: { ...range.total, endMs: 0 } },
      ];
      for (const given of wrong) await expect(store.writeRanges([{ ...range, ...given }], never)).rejects.toMatchObject(broken);
      await expect(store.writeRanges(Array(maxWrittenRanges + 1).fill(range), never)).rejects.toMatchObject(broken);
      await expect(store.findUser('x'.repeat(201), never)).rejects.toMatchObject(broken);
      await expect(sums('user-1', { fromMs: h0, toMs: h0 + 32 * dayMs })).rejects.toMatchObject(broken);
      await expect(packets({ limit: 0 })).rejects.toMatchObject(broken);
      expect(await sums()).toEqual([]);
    });

    it('does nothing for a signal that has aborted, and rejects with its reason', async () => {
      const gone = AbortSignal.abort(new Error('enough'));
      await expect(harness.store.writeRanges([testRange(1)], gone)).rejects.toThrow('enough');
      await expect(harness.store.probe(gone)).rejects.toThrow('enough');
      await harness.store.probe(never);
      expect(await sums()).toEqual([]);
    });

    it('says that it is closed', async () => {
      await harness.reopen();
      const { store } = harness;
      await store.probe(never);
      await store[Symbol.asyncDispose]();
      await expect(store.probe(never)).rejects.toMatchObject({ code: 'usageUnavailable' });
    });
  });
}
