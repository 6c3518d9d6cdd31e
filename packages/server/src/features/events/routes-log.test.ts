import type { RouteSet } from '@sluice/contract/event-routes';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryLog } from '../../../test/support/memory-log.ts';
import { silentLogger as logger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import type { LogTopic } from '../../engines/log/log-engine.ts';
import { presetRoutes } from './routes.ts';
import { RoutesLog } from './routes-log.ts';

interface Stage {
  readonly clock: TestClock;
  readonly log: MemoryLog;
  readonly topic: LogTopic;
  readonly open: () => Promise<RoutesLog>;
  readonly append: (count?: number) => Promise<unknown>;
}

async function stage(step?: (what: string) => Promise<void>, partitions = 1): Promise<Stage> {
  const clock = new TestClock();
  const log = new MemoryLog({ clock, ...(step && { step }) });
  const topic = await log.ensureTopic({ name: 'events', partitions });
  const record = { value: Buffer.from('{}') };
  return {
    clock,
    log,
    topic,
    open: () => RoutesLog.open({ log, topic, clock, logger }),
    append: (count = 1) => log.append({ topic: 'events', partition: 0, records: Array.from({ length: count }, () => record) }),
  };
}

const versionsOf = (routes: RoutesLog, offsets: readonly number[]) =>
  offsets.map((offset) => {
    const at = routes.at({ partition: 0, offset });
    return at.type === 'routes' ? at.version : at.type;
  });

describe('versions', () => {
  test('the first one holds from the begin, also for records that are there already', async () => {
    const { open, append } = await stage();
    await append(5);
    const routes = await open();
    expect(versionsOf(routes, [0])).toEqual(['none']);
    await routes.ensure(presetRoutes(5));
    expect(versionsOf(routes, [0, 100])).toEqual([1, 1]);
  });

  test('another one holds for records to come, and for every reader', async () => {
    const { open, append } = await stage();
    const routes = await open();
    await routes.ensure(presetRoutes(5));
    await append(5);
    expect(await routes.ensure(presetRoutes(7))).toMatchObject({ version: 2, since: [5], set: presetRoutes(7) });
    for (const reader of [routes, await open()]) expect(versionsOf(reader, [0, 4, 5, 6])).toEqual([1, 1, 2, 2]);
    const at = routes.at({ partition: 0, offset: 5 });
    expect(at.type === 'routes' && at.routes.judge({ time: 0, amount: 6, amountText: '6' }).matched).toEqual(['low']);
  });

  test('the same set is no new version', async () => {
    const { open } = await stage();
    await (await open()).ensure(presetRoutes(5));
    const routes = await open();
    await routes.ensure(presetRoutes(5));
    expect(routes.versions.map(({ version }) => version)).toEqual([1]);
  });

  test('a topic that is made anew has its own', async () => {
    const before = await stage();
    await (await before.open()).ensure(presetRoutes(5));
    await before.log.deleteTopic('events');
    const topic = await before.log.ensureTopic({ name: 'events', partitions: 1 });
    const routes = await RoutesLog.open({ ...before, topic, logger });
    expect(routes.latest).toBeUndefined();
    expect(await routes.ensure(presetRoutes(6))).toMatchObject({ version: 1, since: [0] });
  });

  test('routes that cannot be used are refused before anything is written', async () => {
    const { open, log } = await stage();
    const routes = await open();
    const set: RouteSet = { watermark: 5, routes: [{ name: 'a', when: 'id.matches("x")' }] };
    await expect(routes.ensure(set)).rejects.toMatchObject({ code: 'configInvalid' });
    const topic = await log.topic('events.routes');
    expect(topic && (await log.offsets(topic))).toEqual([{ begin: 0, end: 0 }]);
  });

  test('entries that are none of ours are passed over', async () => {
    const { open, log } = await stage();
    const routes = await open();
    for (const value of ['nonsense', '{"type":"other"}', null])
      await log.append({ topic: 'events.routes', partition: 0, records: [{ value: value === null ? null : Buffer.from(value) }] });
    await routes.ensure(presetRoutes(5));
    expect(routes.latest?.version).toBe(1);
  });
});

test('a topic that outruns a proposal gets one that reaches further ahead', async () => {
  let append: (() => Promise<unknown>) | undefined;
  const { open, append: appendNow } = await stage(async (what) => {
    if (what === 'append to events.routes told') await append?.();
  });
  const routes = await open();
  await routes.ensure(presetRoutes(5));
  append = () => appendNow(3);
  const { version, since } = await routes.ensure(presetRoutes(6));
  expect(version).toBe(2);
  expect(since[0]).toBeGreaterThan(1000);
  expect(versionsOf(routes, [0, 999, since[0] ?? 0])).toEqual([1, 1, 2]);
});

test('a proposal without a verdict is waited for, and voided by anyone after 10 s', async () => {
  let isGone = false;
  const written = Promise.withResolvers<void>();
  const back = Promise.withResolvers<void>();
  const { open, clock, append } = await stage(async (what) => {
    if (!isGone || what !== 'append to events.routes told') return;
    written.resolve();
    await back.promise;
  });
  const proposer = await open();
  await proposer.ensure(presetRoutes(5));
  await append(3);
  const reader = await open();
  isGone = true;
  const late = proposer.ensure(presetRoutes(6));
  await written.promise;
  isGone = false;
  await reader.catchUp();
  expect(versionsOf(reader, [2, 3])).toEqual([1, 'pending']);
  clock.advance(9999);
  await reader.catchUp();
  expect(versionsOf(reader, [2, 3])).toEqual([1, 'pending']);
  clock.advance(1);
  await reader.catchUp();
  await reader.catchUp();
  expect(versionsOf(reader, [2, 3])).toEqual([1, 1]);
  // The proposer comes back: its verdict comes too late, and it proposes anew.
  back.resolve();
  const { since } = await late;
  await reader.catchUp();
  expect(reader.versions.map(({ version }) => version)).toEqual([1, 2]);
  expect(since[0]).toBeGreaterThan(3);
  expect(versionsOf(reader, [3, since[0] ?? 0])).toEqual([1, 2]);
});

/** Reads the events as a consumer does, and notes by which version it judged each. */
async function consume({ log, topic, open }: Stage, { until, judged }: { until: () => boolean; judged: Map<number, Set<number>> }) {
  const routes = await open();
  let offset = 0;
  while (!(until() && offset === ((await log.offsets(topic))[0]?.end ?? 0))) {
    const batch = await log.read({ topic, partition: 0, offset, maxRecords: 4, maxBytes: 1e6, waitMs: 0 });
    await routes.catchUp();
    for (const record of batch.records) {
      const at = routes.at({ partition: 0, offset: record.offset });
      if (at.type !== 'routes') break;
      judged.set(record.offset, (judged.get(record.offset) ?? new Set()).add(at.version));
      offset = record.offset + 1;
    }
  }
}

test('every reader judges a record by the same version, whatever the order of what happens', async () => {
  const versions: number[] = [];
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }), async (scheduler, marks) => {
      let isLive = false;
      const on = await stage((what) => (isLive ? scheduler.schedule(Promise.resolve(), what) : Promise.resolve()));
      const first = await on.open();
      await first.ensure(presetRoutes(0));
      const judged = new Map<number, Set<number>>();
      isLive = true;
      let running = 3;
      const done = () => {
        running -= 1;
      };
      const propose = async (watermarks: readonly number[]) => {
        const routes = await on.open();
        for (const watermark of watermarks) await routes.ensure(presetRoutes(watermark));
        done();
      };
      const produce = async () => {
        for (let count = 0; count < 6; count += 1) await on.append(1);
        done();
      };
      /** Impatient: what nobody has decided for a moment is voided under its proposer's hands. */
      const hurry = async () => {
        for (let count = 0; count < 3; count += 1) {
          await scheduler.schedule(Promise.resolve(), 'time passes');
          on.clock.advance(10_001);
        }
      };
      const until = () => running === 0;
      const all = Promise.all([
        propose(marks),
        propose(marks.map((mark) => mark + 10)),
        produce(),
        hurry(),
        consume(on, { until, judged }),
        consume(on, { until, judged }),
      ]);
      await scheduler.waitFor(all);
      isLive = false;
      const late = await on.open();
      expect(judged.size).toBe(6);
      for (const [offset, by] of judged) {
        const at = late.at({ partition: 0, offset });
        expect([...by]).toEqual([at.type === 'routes' ? at.version : at.type]);
      }
      versions.push(late.versions.length);
    }),
    { numRuns: 100 },
  );
  expect(Math.max(...versions)).toBeGreaterThan(4);
});
