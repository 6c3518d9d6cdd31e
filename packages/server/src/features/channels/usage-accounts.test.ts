import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryUsage, MemoryUsageStore } from '../../../test/support/memory-usage-store.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../test/support/temp-folder.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { hourMs, type UsageSum } from '../../engines/usage/usage-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { MetricRegistry } from '../../kernel/observe/metrics.ts';
import { systemTimer } from '../../kernel/time/start-timer.ts';
import { UsageAccounts, type UsageAccountsOptions } from './usage-accounts.ts';
import { createUsageMeter, usageMetricTable } from './usage-metrics.ts';
import { verifyUsage } from './verify-usage.ts';

const never = new AbortController().signal;
const session = { sessionId: 's1', user: 'user-1', channel: 'zato01' };
const away = () => Promise.reject(new AppError('usageUnavailable', 'the store is away'));
const hangs = () => new Promise<never>(() => {});

/** Accounts over a store in memory, with a clock of the test; flushes come quickly. */
class Bench implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly usage = new MemoryUsage();
  readonly metrics = new MetricRegistry();
  readonly #meter = createUsageMeter(this.metrics.declare(usageMetricTable));
  readonly #folder: AsyncDisposable & { readonly path: string };

  private constructor(folder: AsyncDisposable & { readonly path: string }) {
    this.#folder = folder;
  }

  static async open(): Promise<Bench> {
    return new Bench(await openTempFolder());
  }

  get journal(): string {
    return join(this.#folder.path, 'journal');
  }

  /** `step` rejects, or waits, before a call of the store takes effect, or before its answer. */
  accounts(step: (what: string) => Promise<void> = () => Promise.resolve(), given: Partial<UsageAccountsOptions> = {}) {
    return UsageAccounts.open({
      ...{ store: new MemoryUsageStore({ usage: this.usage, step }), journalFile: this.journal, flushMs: 1 },
      ...{ packetMsOf: () => 20, packetLog: 'off', clock: this.clock, startTimer: systemTimer, logger: silentLogger },
      ...{ meter: this.#meter, random: () => 0 },
      ...given,
    });
  }

  sums(user = 'user-1'): Promise<readonly UsageSum[]> {
    const now = this.clock.now();
    return new MemoryUsageStore({ usage: this.usage }).sumUsage({ user, fromMs: now - 30 * hourMs, toMs: now + hourMs }, never);
  }

  async packets(user = 'user-1'): Promise<number> {
    return (await this.sums(user)).reduce((sum, { packets }) => sum + packets, 0);
  }

  verify() {
    return verifyUsage({ store: new MemoryUsageStore({ usage: this.usage }), provenFromMs: 0, signal: never });
  }

  journaled(): Promise<string> {
    return readFile(this.journal, 'utf8').catch(() => '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

const run = (from: number, to: number, epoch = 1) => ({ epoch, from, to, packets: to - from + 1, bytes: (to - from + 1) * 1316 });
const proven = { problems: 0, found: [] };

describe('usage accounts', () => {
  it('bills what was delivered, two sessions of a user double, and nothing that was dropped', async () => {
    await using bench = await Bench.open();
    await using accounts = await bench.accounts();
    const first = accounts.open(session);
    const second = accounts.open({ ...session, sessionId: 's2' });
    // 31 s of media: packets of 20 ms.
    for (let from = 0; from < 1550; from += 50) {
      first.delivered(run(from, from + 49));
      second.delivered(run(from, from + 49));
      if (from % 500 === 0) await expect.poll(() => bench.packets()).toBe(2 * (from + 50));
    }
    first.dropped(7);
    first.close();
    second.close();
    const sum = { hourMs: bench.clock.now(), channel: 'zato01', packets: 3100, bytes: 3100 * 1316, mediaMs: 62_000, dropped: 7 };
    await expect.poll(() => bench.sums()).toEqual([sum]);
    expect(await bench.verify()).toMatchObject({ ...proven, hours: 1, sessions: 2 });
  });

  it('cuts at the border of an hour, and loses nothing there', async () => {
    await using bench = await Bench.open();
    await using accounts = await bench.accounts();
    const account = accounts.open(session);
    const h0 = bench.clock.now();
    bench.clock.advance(hourMs - 1);
    account.delivered(run(0, 24));
    bench.clock.advance(1);
    account.delivered(run(25, 74));
    account.close();
    await expect.poll(() => bench.packets()).toBe(75);
    expect((await bench.sums()).map((sum) => [sum.hourMs, sum.packets, sum.mediaMs])).toEqual([
      [h0, 25, 500],
      [h0 + hourMs, 50, 1000],
    ]);
    expect(await bench.verify()).toMatchObject({ ...proven, hours: 2, ranges: 2 });
  });

  it('does not go back to an hour, whatever the clock does', async () => {
    await using bench = await Bench.open();
    await using accounts = await bench.accounts();
    const h0 = bench.clock.now();
    const account = accounts.open(session);
    for (const [from, step] of [
      [0, hourMs],
      [10, -hourMs],
      [20, 0],
    ] as const) {
      account.delivered(run(from, from + 9));
      bench.clock.advance(step);
    }
    account.close();
    await expect
      .poll(() => [...bench.usage.totals.values()].map(({ hourMs: hour, packets }) => [hour - h0, packets]))
      .toEqual([
        [0, 10],
        [hourMs, 20],
      ]);
    expect(await bench.verify()).toMatchObject(proven);
  });

  it('takes off what was not taken, from the hours it was counted in, and never more', async () => {
    await using bench = await Bench.open();
    await using accounts = await bench.accounts();
    const account = accounts.open(session);
    bench.clock.advance(hourMs - 1);
    account.delivered(run(0, 99));
    await expect.poll(() => bench.packets()).toBe(100);
    bench.clock.advance(1);
    account.delivered(run(100, 109));
    account.close({ packets: 30, bytes: 30 * 1316 });
    account.delivered(run(110, 120));
    account.close({ packets: 30, bytes: 30 * 1316 });
    const other = accounts.open({ ...session, sessionId: 's2', user: 'user-2' });
    other.delivered(run(0, 4));
    other.close({ packets: 1000, bytes: 10_000_000 });
    await expect.poll(() => bench.packets()).toBe(80);
    expect((await bench.sums()).map(({ packets, bytes }) => [packets, bytes])).toEqual([
      [80, 80 * 1316],
      [0, 0],
    ]);
    await expect.poll(async () => (await bench.sums('user-2')).map(({ packets, bytes }) => [packets, bytes])).toEqual([[0, 0]]);
    expect(await bench.verify()).toMatchObject(proven);
  });

  it('bills what a model bills, whatever comes: drops, epochs, hours, clocks that step, outages and ends', async () => {
    const action = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ type: fc.constant('delivered' as const), packets: fc.integer({ min: 1, max: 60 }), gap: fc.nat(3) }),
      },
      fc.record({ type: fc.constant('dropped' as const), packets: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ type: fc.constant('epoch' as const) }),
      fc.record({ type: fc.constant('clock' as const), ms: fc.integer({ min: -2 * hourMs, max: 3 * hourMs }) }),
      fc.record({ type: fc.constant('store' as const), isAway: fc.boolean() }),
      fc.record({ type: fc.constant('flush' as const) }),
    );
    const lives = fc.array(action, { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(lives, fc.integer({ min: 0, max: 200 }), async (actions, untaken) => {
        await using bench = await Bench.open();
        let isAway = false;
        const model = { packets: 0, dropped: 0 };
        {
          await using accounts = await bench.accounts(() => (isAway ? away() : Promise.resolve()));
          const account = accounts.open(session);
          let [epoch, next] = [1, 0];
          for (const given of actions) {
            if (given.type === 'delivered') {
              next += given.gap;
              account.delivered(run(next, next + given.packets - 1, epoch));
              next += given.packets;
              model.packets += given.packets;
            } else if (given.type === 'dropped') {
              account.dropped(given.packets);
              model.dropped += given.packets;
            } else if (given.type === 'epoch') {
              epoch += 1;
              next = 0;
            } else if (given.type === 'clock') bench.clock.advance(given.ms);
            else if (given.type === 'store') isAway = given.isAway;
            else await new Promise((resolve) => setTimeout(resolve, 3));
          }
          account.close({ packets: untaken, bytes: untaken * 1316 });
          isAway = false;
        }
        const sums = [...bench.usage.totals.values()];
        const billed = sums.reduce((sum, total) => sum + total.packets, 0);
        expect(billed).toBe(Math.max(0, model.packets - untaken));
        expect(sums.reduce((sum, total) => sum + total.dropped, 0)).toBe(model.dropped);
        expect(await bench.verify()).toMatchObject(proven);
        expect(await bench.journaled()).toBe('');
      }),
      { numRuns: 60 },
    );
  });

  it('keeps what the store does not take, says so, and stores it once when the store is back', async () => {
    await using bench = await Bench.open();
    let isAway = true;
    await using accounts = await bench.accounts((what) => (isAway && what === 'writeRanges' ? away() : Promise.resolve()));
    const account = accounts.open(session);
    expect(accounts.check()).toEqual({ ready: true });
    for (let from = 0; from < 1000; from += 10) {
      account.delivered(run(from, from + 9));
      if (from % 100 === 0) await expect.poll(() => bench.journaled()).toContain(`"to":${from + 9},`);
    }
    expect(accounts.check()).toEqual({ ready: false, detail: 'the store is away; 2 ranges wait' });
    expect(accounts.waiting).toBe(2);
    isAway = false;
    bench.clock.advance(10_000);
    await expect.poll(() => bench.packets()).toBe(1000);
    expect(accounts.check()).toEqual({ ready: true });
    expect(await bench.verify()).toMatchObject({ ...proven, ranges: 2 });
  });

  it('bounds what waits, and counts what it must give up', async () => {
    await using bench = await Bench.open();
    await using accounts = await bench.accounts(away, { maxWaiting: 3 });
    const open = Array.from({ length: 5 }, (_, index) => accounts.open({ ...session, sessionId: `s${index}` }));
    for (const account of open) account.delivered(run(0, 9));
    expect(accounts.waiting).toBe(3);
    expect(await bench.metrics.text()).toContain('sluice_channels_usage_lost_packets_total 20');
    for (const account of open) account.close();
  });

  it('takes any name of a channel, and the largest number', async () => {
    await using bench = await Bench.open();
    const names = ['', 'a\0b\0\0', '\ud800xyz', '🐟'.repeat(150), 'zato01'];
    const largest = Number.MAX_SAFE_INTEGER;
    {
      await using accounts = await bench.accounts();
      for (const [index, channel] of names.entries()) {
        const account = accounts.open({ ...session, sessionId: `s${index}`, channel });
        account.delivered(run(largest, largest));
        await expect.poll(() => bench.packets()).toBe(index + 1);
        account.dropped(1);
        account.close({ packets: 0, bytes: 1 });
      }
    }
    expect((await bench.sums()).map(({ channel, packets, bytes, dropped }) => [channel.slice(0, 8), packets, bytes, dropped])).toEqual(
      ['?', 'a\\0b\\0\\0', 'zato01', '\ufffdxyz', '🐟'.repeat(4)]
        .map((channel) => [channel.slice(0, 8), 1, 1315, 1])
        .toSorted((one, other) => (String(one[0]) < String(other[0]) ? -1 : 1)),
    );
    expect(await bench.verify()).toMatchObject(proven);
  });

  it('goes on where the journal cannot be written, and counts it', async () => {
    await using bench = await Bench.open();
    await using accounts = await bench.accounts(undefined, { journalFile: join(bench.journal, 'missing', 'journal') });
    accounts.open(session).delivered(run(0, 9));
    await expect.poll(() => bench.packets()).toBe(10);
    expect(await bench.metrics.text()).toContain('sluice_channels_usage_journal_failures_total 1');
  });

  it('logs runs of packets as it is told, and never bills by them', async () => {
    for (const [packetLog, wanted] of [
      ['off', 0],
      ['sampled', 1],
      ['full', 3],
    ] as const) {
      await using bench = await Bench.open();
      await using accounts = await bench.accounts((what) => (what === 'logPackets: told' ? away() : Promise.resolve()), { packetLog });
      const account = accounts.open(session);
      for (const from of [0, 10, 20]) account.delivered(run(from, from + 9));
      await expect.poll(() => bench.packets()).toBe(30);
      await expect.poll(() => bench.usage.packets.size).toBe(wanted);
      expect(accounts.check()).toEqual({ ready: true });
    }
  });

  it('runs nothing while nothing is counted', async () => {
    await using bench = await Bench.open();
    let timers = 0;
    const startTimer: typeof systemTimer = (delayMs, fire) => {
      timers += 1;
      return systemTimer(delayMs, fire);
    };
    await using accounts = await bench.accounts(undefined, { startTimer });
    accounts.open(session).close();
    expect(timers).toBe(0);
    const account = accounts.open(session);
    account.delivered(run(0, 9));
    await expect.poll(() => bench.packets()).toBe(10);
    account.close();
    await expect.poll(() => bench.journaled()).toBe('');
    const settled = timers;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(timers).toBe(settled);
    expect(bench.usage.calls.filter((call) => call !== 'sumUsage')).toEqual(['writeRanges', 'forgetExpired']);
  });
});

describe('usage accounts after a crash', () => {
  /** Abandons the accounts as a killed process does: their store never answers again. */
  async function crash(bench: Bench, at: 'writeRanges' | 'writeRanges: told'): Promise<void> {
    let isDead = false;
    const startTimer: typeof systemTimer = (delayMs, fire) => systemTimer(delayMs, () => isDead || fire());
    const accounts = await bench.accounts((what) => (what === at ? hangs() : Promise.resolve()), { startTimer });
    const account = accounts.open(session);
    account.delivered(run(0, 9));
    await expect.poll(() => bench.journaled()).toContain('"to":9,');
    // The second flush is only in the journal, as what was counted meanwhile.
    account.delivered(run(10, 14));
    await expect.poll(() => bench.journaled()).toContain('"to":14,');
    isDead = true;
    // What comes behind the last flush is the one that a crash may lose: nobody could have kept it.
  }

  for (const at of ['writeRanges', 'writeRanges: told'] as const) {
    it(`bills once what was flushed (${at === 'writeRanges' ? 'killed before the store had it' : 'killed before the journal knew it'})`, async () => {
      await using bench = await Bench.open();
      await crash(bench, at);
      expect(await bench.packets()).toBe(at === 'writeRanges' ? 0 : 10);
      for (let start = 0; start < 3; start += 1) {
        await using accounts = await bench.accounts();
        accounts.open({ ...session, sessionId: `later-${start}`, user: 'user-2' }).delivered(run(0, 0));
        await expect.poll(() => bench.packets('user-2')).toBe(start + 1);
        expect(await bench.packets()).toBe(15);
      }
      expect(await bench.verify()).toMatchObject({ ...proven, sessions: 4 });
      expect(await bench.journaled()).toBe('');
    });
  }

  it('keeps the journal for the next start where the store stays away', async () => {
    await using bench = await Bench.open();
    {
      await using accounts = await bench.accounts(away);
      accounts.open(session).delivered(run(0, 9));
      await expect.poll(() => accounts.check().ready).toBe(false);
      accounts.open({ ...session, sessionId: 's2' }).delivered(run(0, 4));
    }
    expect(await bench.packets()).toBe(0);
    {
      await using accounts = await bench.accounts();
      await expect.poll(() => accounts.waiting).toBe(0);
    }
    expect(await bench.packets()).toBe(15);
  });

  it('does not wait for a store that does not answer, and keeps the journal', async () => {
    await using bench = await Bench.open();
    // The timer of the end is the one that waits for longer than a flush.
    const startTimer: typeof systemTimer = (delayMs, fire) => systemTimer(delayMs > 1000 ? 20 : delayMs, fire);
    const asked = new Set<Promise<void>>();
    const store = new MemoryUsageStore({ usage: bench.usage });
    store.writeRanges = (_ranges, signal) => {
      const waiting = new Promise<void>((_resolve, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      asked.add(waiting);
      return waiting;
    };
    {
      await using accounts = await bench.accounts(undefined, { store, startTimer });
      accounts.open(session).delivered(run(0, 9));
      await expect.poll(() => asked.size).toBe(1);
      accounts.open({ ...session, sessionId: 's2' }).delivered(run(0, 4));
    }
    {
      await using _accounts = await bench.accounts();
    }
    expect(await bench.packets()).toBe(15);
  });

  it('keeps a damaged journal aside', async () => {
    await using bench = await Bench.open();
    await writeFile(bench.journal, '{"version":1,"ranges":[{');
    await using accounts = await bench.accounts();
    expect(accounts.waiting).toBe(0);
    expect(await readFile(`${bench.journal}.damaged`, 'utf8')).toContain('ranges');
    expect(await bench.journaled()).toBe('');
  });
});
