import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import { openTempFolder } from '../../../../test/support/temp-folder.ts';
import { TestClock } from '../../../../test/support/test-clock.ts';
import { MetricRegistry } from '../../../kernel/observe/metrics.ts';
import { systemClock } from '../../../kernel/time/clock.ts';
import { type StartTimer, systemTimer } from '../../../kernel/time/start-timer.ts';
import { describeLogEngine, type LogHarness } from '../log-engine.conformance.ts';
import type { LogTopic, StoredRecord } from '../log-engine.ts';
import { logMetricTable } from '../log-metrics.ts';
import { openLogEngine } from '../registry.ts';
import { SqliteLogEngine, type SqliteLogOptions } from './sqlite-log-engine.ts';

const hour = 3_600_000;
const defaults = {
  segmentBytes: 64 * 1024 * 1024,
  segmentMs: hour,
  retentionMs: 24 * hour,
  maxTopicBytes: 10 ** 10,
  clock: systemClock,
  startTimer: systemTimer,
  logger: silentLogger,
  onLost: () => {},
};

describeLogEngine('sqlite', () => openHarness({}));
describeLogEngine('sqlite with a segment for almost every append', () => openHarness({ segmentBytes: 1 }));

describe('sqlite log', () => {
  let folder: Awaited<ReturnType<typeof openTempFolder>>;
  let clock: TestClock;
  let lost: [string, number][];
  /** Runs the retention check that is due. */
  let check: () => Promise<void>;
  beforeEach(async () => {
    folder = await openTempFolder();
    clock = new TestClock();
    lost = [];
  });
  afterEach(() => folder[Symbol.asyncDispose]());
  const open = (options: Partial<SqliteLogOptions> = {}) => {
    let scheduled = Promise.withResolvers<void>();
    const startTimer: StartTimer = (delayMs, fire) => {
      if (delayMs !== 10_000) return systemTimer(delayMs, fire);
      scheduled.resolve();
      check = () => {
        scheduled = Promise.withResolvers();
        fire();
        return scheduled.promise;
      };
      return () => {};
    };
    const onLost = (topic: string, records: number) => lost.push([topic, records]);
    return SqliteLogEngine.open({ ...defaults, folder: folder.path, clock, startTimer, onLost, ...options });
  };
  const append = (log: SqliteLogEngine, { name }: LogTopic, ...values: string[]) =>
    log.append({ topic: name, partition: 0, records: values.map((value) => ({ value: Buffer.from(value) })) });
  const readAll = async (log: SqliteLogEngine, topic: LogTopic, from = 0) => {
    const records: StoredRecord[] = [];
    const unreadable: { begin: number; end: number }[] = [];
    for (let offset = from; ; ) {
      const batch = await log.read({ topic, partition: 0, offset, maxRecords: 1000, maxBytes: 10 ** 6, waitMs: 0 });
      records.push(...batch.records);
      unreadable.push(...batch.unreadable);
      if (batch.nextOffset === batch.endOffset) return { values: records.map(({ value }) => String(value)), records, unreadable };
      offset = batch.nextOffset;
    }
  };
  const segments = async (topic: LogTopic) =>
    (await readdir(join(folder.path, topic.id))).filter((name) => name.endsWith('.sqlite')).sort();
  const tamper = (topic: LogTopic, segment: string, sql: string): void => {
    const database = new DatabaseSync(join(folder.path, topic.id, segment));
    database.exec(sql);
    database.close();
  };

  describe('segments', () => {
    it('begin anew by size and by age, and are read as one log, also after a restart', async () => {
      const topic = await (async () => {
        await using log = await open({ segmentBytes: 30_000 });
        const created = await log.ensureTopic({ name: 't', partitions: 1 });
        for (let index = 0; index < 10; index += 1) await append(log, created, `${index}`.repeat(10_000));
        expect((await segments(created)).length).toBeGreaterThan(2);
        expect((await readAll(log, created)).values).toEqual(Array.from({ length: 10 }, (_, index) => `${index}`.repeat(10_000)));
        return created;
      })();
      await using log = await open();
      expect(await log.offsets(topic)).toEqual([{ begin: 0, end: 10 }]);
      const before = (await segments(topic)).length;
      clock.advance(hour);
      await append(log, topic, 'x');
      expect(await segments(topic)).toHaveLength(before + 1);
      const { values } = await readAll(log, topic, 8);
      expect(values.map((value) => value[0])).toEqual(['8', '9', 'x']);
    });

    it('that are sealed are single files', async () => {
      await using log = await open({ segmentBytes: 1 });
      const topic = await log.ensureTopic({ name: 't', partitions: 1 });
      await append(log, topic, 'a');
      await append(log, topic, 'b');
      const files = await readdir(join(folder.path, topic.id));
      expect(files.filter((name) => name.startsWith('0000000001'))).toEqual(['0000000001.sqlite']);
    });

    it('that a death left unfinished or unsealed do no harm', async () => {
      const topic = await (async () => {
        await using log = await open({ segmentBytes: 1 });
        const created = await log.ensureTopic({ name: 't', partitions: 1 });
        await append(log, created, 'a');
        await append(log, created, 'b');
        return created;
      })();
      await writeFile(join(folder.path, topic.id, '0000000003.sqlite'), '');
      // As if the process had died before it sealed the first: it is in the mode of an active one.
      tamper(topic, '0000000001.sqlite', 'PRAGMA journal_mode = WAL');
      await writeFile(join(folder.path, topic.id, '0000000001.sqlite-wal'), '');
      await using log = await open();
      expect((await readAll(log, topic)).values).toEqual(['a', 'b']);
      await append(log, topic, 'c');
      expect((await readAll(log, topic)).values).toEqual(['a', 'b', 'c']);
    });

    it('of topics that nobody knows are removed', async () => {
      const topic = await (async () => {
        await using log = await open();
        return log.ensureTopic({ name: 't', partitions: 1 });
      })();
      const catalog = new DatabaseSync(join(folder.path, 'log.sqlite'));
      catalog.exec('DELETE FROM topics');
      catalog.close();
      await using log = await open();
      expect(await log.topic('t')).toBeUndefined();
      expect(await readdir(folder.path)).not.toContain(topic.id);
    });
  });

  describe('retention', () => {
    it('drops segments that are old and read by every group, oldest first', async () => {
      await using log = await open({ segmentMs: hour, retentionMs: 2 * hour });
      const topic = await log.ensureTopic({ name: 't', partitions: 1 });
      await using consumer = await log.join({ group: 'g', topics: ['t'], start: 'begin' });
      for (let index = 0; index < 4; index += 1) {
        await append(log, topic, `${index}a`, `${index}b`);
        clock.advance(hour);
      }
      await check();
      expect(await log.offsets(topic)).toEqual([{ begin: 0, end: 8 }]);
      for await (const held of consumer.partitions(new AbortController().signal)) {
        // Record 2 lies in a segment of which the group has still to read one.
        await held.commit(3);
        await check();
        expect(await log.offsets(topic)).toEqual([{ begin: 2, end: 8 }]);
        await held.commit(5);
        break;
      }
      clock.advance(10 * hour);
      await check();
      expect(await log.offsets(topic)).toEqual([{ begin: 4, end: 8 }]);
      expect((await readAll(log, topic, 4)).values).toEqual(['2a', '2b', '3a', '3b']);
      await expect(readAll(log, topic, 3)).rejects.toMatchObject({
        code: 'logOffsetOutOfRange',
        message: expect.stringContaining('retention'),
      });
      expect(lost).toEqual([]);
      await append(log, topic, 'next');
      expect(await log.offsets(topic)).toEqual([{ begin: 4, end: 9 }]);
    });

    it('keeps what a group has not read that joined before, also over a restart', async () => {
      const topic = await (async () => {
        await using log = await open({ retentionMs: 0 });
        const created = await log.ensureTopic({ name: 't', partitions: 1 });
        await using _consumer = await log.join({ group: 'g', topics: ['t'], start: 'begin' });
        await append(log, created, 'a');
        return created;
      })();
      await using log = await open({ retentionMs: 0 });
      clock.advance(100 * hour);
      await append(log, topic, 'b');
      await check();
      expect((await readAll(log, topic)).values).toEqual(['a', 'b']);
    });

    it('drops the oldest segments over the cap, counts what a group loses, and tells the group', async () => {
      await using log = await open({ segmentBytes: 100_000, maxTopicBytes: 400_000 });
      const topic = await log.ensureTopic({ name: 't', partitions: 1 });
      await using consumer = await log.join({ group: 'g', topics: ['t'], start: 'begin' });
      for (let index = 0; index < 20; index += 1) await append(log, topic, 'x'.repeat(50_000));
      for await (const held of consumer.partitions(new AbortController().signal)) {
        await held.commit(1);
        await check();
        const [range] = await log.offsets(topic);
        expect(range?.begin).toBeGreaterThan(8);
        expect(lost).toEqual([['t', (range?.begin ?? 0) - 1]]);
        const late = held.fetch({ maxRecords: 1, maxBytes: 1, waitMs: 0 });
        await expect(late).rejects.toMatchObject({ code: 'logOffsetOutOfRange' });
        break;
      }
    });
  });

  it('compacts a topic to the last record of each key, and keeps its offsets', async () => {
    await using log = await open({ segmentBytes: 50_000 });
    const topic = await log.ensureTopic({ name: 't', partitions: 1, compacted: true });
    const put = (key: string, value: string | null) =>
      log.append({
        topic: 't',
        partition: 0,
        records: [
          { key: Buffer.from(key), value: value === null ? null : Buffer.from(value), headers: [{ name: 'h', value: Buffer.from(key) }] },
        ],
      });
    await log.append({ topic: 't', partition: 0, records: [{ value: Buffer.from('no key') }] });
    await put('once', 'kept');
    for (let index = 0; index < 100; index += 1) await put(`k${index % 3}`, `${index} ${'x'.repeat(5000)}`);
    await put('once', null);
    clock.advance(1000 * hour);
    await check();
    const { records } = await readAll(log, topic);
    expect(await log.offsets(topic)).toEqual([{ begin: 0, end: 103 }]);
    expect(records.length).toBeLessThan(40);
    expect(records[0]).toMatchObject({ offset: 0, key: null, value: Buffer.from('no key') });
    const latest = new Map(
      records.map(({ offset, key, value, headers }) => [String(key), { offset, start: value?.toString().slice(0, 3), headers }]),
    );
    const headersOf = (key: string) => [{ name: 'h', value: Buffer.from(key) }];
    expect(latest.get('k0')).toEqual({ offset: 101, start: '99 ', headers: headersOf('k0') });
    expect(latest.get('k1')).toEqual({ offset: 99, start: '97 ', headers: headersOf('k1') });
    expect(latest.get('k2')).toEqual({ offset: 100, start: '98 ', headers: headersOf('k2') });
    expect(latest.get('once')).toEqual({ offset: 102, start: undefined, headers: headersOf('once') });
  });

  describe('damage', () => {
    it('of a record costs the records that were appended with it, and says which', async () => {
      const topic = await (async () => {
        await using log = await open();
        const created = await log.ensureTopic({ name: 't', partitions: 1 });
        for (const values of [['a', 'b'], ['c', 'd', 'e'], ['f']]) await append(log, created, ...values);
        return created;
      })();
      tamper(topic, '0000000001.sqlite', "UPDATE runs SET bytes = CAST('garbage' AS BLOB) WHERE base_offset = 2");
      await using log = await open();
      expect(await readAll(log, topic)).toMatchObject({ values: ['a', 'b', 'f'], unreadable: [{ begin: 2, end: 5 }] });
      expect(await readAll(log, topic, 3)).toMatchObject({ values: ['f'], unreadable: [{ begin: 3, end: 5 }] });
      const cut = await log.read({ topic, partition: 0, offset: 0, maxRecords: 1, maxBytes: 100, waitMs: 0 });
      expect(cut).toMatchObject({ nextOffset: 1, unreadable: [] });
    });

    it('of a sealed file costs that segment alone', async () => {
      await using log = await open({ segmentBytes: 1 });
      const topic = await log.ensureTopic({ name: 't', partitions: 1 });
      for (const value of ['a', 'b', 'c']) await append(log, topic, value);
      await writeFile(join(folder.path, topic.id, '0000000002.sqlite'), 'this is no database, whatever its name says'.repeat(200));
      expect(await readAll(log, topic)).toMatchObject({ values: ['a', 'c'], unreadable: [{ begin: 1, end: 2 }] });
    });
  });

  it('tells another process that the folder is held, and refuses what it cannot read', async () => {
    await using _log = await open();
    await expect(open()).rejects.toMatchObject({ code: 'folderInUse', message: expect.stringContaining('another process') });
    const other = join(folder.path, 'other');
    const newer = new DatabaseSync(join(folder.path, 'newer.sqlite'));
    newer.close();
    await (await open({ folder: other }))[Symbol.asyncDispose]();
    const catalog = new DatabaseSync(join(other, 'log.sqlite'));
    catalog.exec('PRAGMA user_version = 99');
    catalog.close();
    await expect(open({ folder: other })).rejects.toMatchObject({ code: 'logUnavailable', message: expect.stringContaining('format 99') });
    await expect(open({ folder: join(folder.path, 'newer.sqlite') })).rejects.toMatchObject({ code: 'logUnavailable' });
  });

  it('takes a thread of its own for the first event, not for settings, and from the start on where there are events', async () => {
    let workers = 0;
    const onWorker = () => {
      workers += 1;
    };
    process.on('worker', onWorker);
    onTestFinished(() => void process.off('worker', onWorker));
    for (const turn of [1, 2]) {
      await using log = await open();
      const settings = await log.ensureTopic({ name: 's', partitions: 1, compacted: true });
      const topic = await log.ensureTopic({ name: 't', partitions: 1 });
      await using _consumer = await log.join({ group: 'g', topics: ['t'], start: 'begin' });
      await append(log, settings, `setting ${turn}`);
      await check();
      expect(await log.groupOffsets('g', topic)).toEqual([{ begin: 0, end: 0, committed: undefined, lag: 0 }]);
      expect((await readAll(log, settings)).values).toHaveLength(turn);
    }
    expect(workers).toBe(0);
    {
      await using log = await open();
      const topic = await log.ensureTopic({ name: 't', partitions: 1 });
      const before = (await log.topic('s')) ?? topic;
      // In this order, though the worker starts in between.
      await Promise.all([append(log, topic, 'a', 'b'), append(log, before, 'setting 3'), append(log, topic, 'c')]);
      expect([(await readAll(log, topic)).values, (await readAll(log, before)).values]).toEqual([
        ['a', 'b', 'c'],
        ['setting 1', 'setting 2', 'setting 3'],
      ]);
    }
    expect(workers).toBe(1);
    await using log = await open();
    expect(workers).toBe(2);
    expect(log).toBeDefined();
  });

  it('leaves records in doubt that its worker took and did not answer', async () => {
    const started = once(process, 'worker');
    await using log = await open();
    const topic = await log.ensureTopic({ name: 't', partitions: 1 });
    await append(log, topic, 'before');
    const [worker]: Worker[] = await started;
    const appending = Promise.allSettled([append(log, topic, 'a')]);
    await Promise.resolve();
    await worker?.terminate();
    expect(await appending).toMatchObject([{ status: 'rejected', reason: { code: 'logInDoubt' } }]);
    await expect(log.groupOffsets('g', topic)).rejects.toMatchObject({ code: 'logUnavailable' });
  });

  it('refuses records while too many wait', async () => {
    await using log = await open();
    const topic = await log.ensureTopic({ name: 't', partitions: 1 });
    const values = Array.from({ length: 100 }, () => 'x'.repeat(800_000));
    const settled = await Promise.allSettled(values.map((value) => append(log, topic, value)));
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(10);
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'overloaded' } });
    expect(await log.offsets(topic)).toEqual([{ begin: 0, end: 100 - refused.length }]);
  });

  it('is opened by the registry, which refuses unknown kinds with every problem', async () => {
    const registry = new MetricRegistry();
    const deps = { logger: silentLogger, metrics: registry.declare(logMetricTable) };
    await using log = await openLogEngine({ kind: 'sqlite', folder: join(folder.path, 'log') }, deps);
    expect(await log.topic('t')).toBeUndefined();
    const unknown: unknown = { kind: 'papyrus' };
    // @ts-expect-error: configuration files are not type-checked.
    await expect(openLogEngine(unknown, deps)).rejects.toMatchObject({ code: 'configInvalid' });
  });
});

async function openHarness(options: Partial<SqliteLogOptions>): Promise<LogHarness> {
  const folder = await openTempFolder();
  const open = () => SqliteLogEngine.open({ ...defaults, folder: folder.path, ...options });
  let log = await open();
  let names = 0;
  return {
    get log() {
      return log;
    },
    topicName: () => `topic-${names++}`,
    reopen: async () => {
      await log[Symbol.asyncDispose]();
      log = await open();
    },
    [Symbol.asyncDispose]: async () => {
      await log[Symbol.asyncDispose]();
      await rm(folder.path, { recursive: true, force: true });
    },
  };
}
