import { once } from 'node:events';
import type { RouteSet } from '@sluice/contract/event-routes';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { MemoryLog } from '../../../test/support/memory-log.ts';
import { MemorySeries, MemorySeriesStore, placeOf } from '../../../test/support/memory-series-store.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import type { LogTopic } from '../../engines/log/log-engine.ts';
import type { RefusedPoint, SeriesCapabilities, SeriesPoint } from '../../engines/series/series-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import { MetricRegistry } from '../../kernel/observe/metrics.ts';
import { systemClock as clock } from '../../kernel/time/clock.ts';
import { systemTimer as startTimer } from '../../kernel/time/start-timer.ts';
import { consumerMetricTable, createConsumerMeter } from './consumer-metrics.ts';
import { EventConsumer, type EventConsumerOptions } from './event-consumer.ts';
import { createOriginHeaders } from './record-headers.ts';
import { presetRoutes } from './routes.ts';
import { RoutesLog } from './routes-log.ts';

interface StageOptions extends Partial<EventConsumerOptions> {
  readonly partitions?: number;
  readonly exactlyOnce?: SeriesCapabilities['exactlyOnce'];
  /** Whose log and store it goes on with. */
  readonly after?: Stage;
  readonly refuse?: (point: SeriesPoint) => Omit<RefusedPoint, 'index'> | undefined;
  /** Of the store. */
  readonly retentionMs?: number;
  readonly logger?: Logger;
}

const originHeaders = createOriginHeaders();
const soon = { timeout: 10_000, interval: 5 };

class Stage {
  readonly log: MemoryLog;
  readonly series: MemorySeries;
  readonly registry = new MetricRegistry();
  readonly consumer: EventConsumer;
  /** What every call to the store, or step of the log, waits for. */
  storeStep: (what: string, signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  logStep: (what: string) => Promise<void> = () => Promise.resolve();
  readonly #abort = new AbortController();
  readonly #options: EventConsumerOptions;
  #running: Promise<void> | undefined;

  constructor({
    partitions = 1,
    exactlyOnce = 'transactional',
    refuse,
    after,
    retentionMs,
    logger = silentLogger,
    ...options
  }: StageOptions = {}) {
    this.log = after?.log ?? new MemoryLog({ clock, step: (what) => this.logStep(what) });
    this.series = after?.series ?? new MemorySeries();
    this.#options = {
      name: 'consumer-high',
      route: 'high',
      group: 'group-high',
      topic: { name: 'events', partitions },
      deadLetterTopic: 'events.dlq',
      watermark: undefined,
      batch: { maxRows: 100, maxAgeMs: 20 },
      maxBytes: 1_000_000,
      maxFutureSkewMs: 1000,
      unmatched: 'keep',
      logRetentionMs: 1000,
      ...options,
    };
    const store = new MemorySeriesStore({
      series: this.series,
      exactlyOnce,
      step: (what, signal) => this.storeStep(what, signal),
      ...(refuse && { refuse }),
      retentionMs,
    });
    const meter = createConsumerMeter(this.registry.declare(consumerMetricTable), 'high');
    this.consumer = new EventConsumer(this.#options, { log: this.log, store, meter, logger, clock, startTimer, random: Math.random });
    onTestFinished(() => this.end());
  }

  start(): void {
    this.#running = this.consumer.run(this.#abort.signal);
  }

  async end(): Promise<void> {
    this.#abort.abort();
    await this.#running?.catch((error: unknown) => {
      if (error !== this.#abort.signal.reason) throw error;
    });
  }

  topic(): Promise<LogTopic> {
    return this.log.ensureTopic(this.#options.topic);
  }

  async routes(): Promise<RoutesLog> {
    return RoutesLog.open({ log: this.log, topic: await this.topic(), clock, logger: silentLogger });
  }

  async setRoutes(set: RouteSet): Promise<void> {
    await (await this.routes()).ensure(set);
  }

  async send(values: readonly string[], { partition = 0, key }: { partition?: number; key?: string } = {}): Promise<void> {
    const records = values.map((value, index) => ({
      value: Buffer.from(value),
      ...(key !== undefined && { headers: originHeaders({ key: Buffer.from(key), index }) }),
    }));
    await this.topic();
    await this.log.append({ topic: 'events', partition, records });
  }

  async stored(partition = 0): Promise<number[]> {
    const { id: topicId } = await this.topic();
    return (this.series.points.get(placeOf({ topicId, partition })) ?? []).map(({ offset }) => offset);
  }

  async letters(): Promise<{ [name: string]: string }[]> {
    const topic = await this.log.topic('events.dlq');
    if (!topic) return [];
    const { records } = await this.log.read({ topic, partition: 0, offset: 0, maxRecords: 1e6, maxBytes: 1e9, waitMs: 0 });
    return records.map(({ value, headers }) => ({
      value: value?.toString() ?? 'null',
      ...Object.fromEntries(headers.map((header) => [header.name, header.value.toString()])),
    }));
  }

  async metric(name: string): Promise<number> {
    const line = (await this.registry.text()).split('\n').find((text) => text.startsWith(`${name}{`));
    return Number(line?.split(' ').at(-1) ?? Number.NaN);
  }
}

const event = (amount: number | string): string => `{"time":1000,"amount":"${amount}"}`;
const events = (...amounts: number[]): string[] => amounts.map(event);

test('stores what its route takes, and nothing else', async () => {
  const stage = new Stage();
  stage.start();
  await stage.send(events(5, 5.0000001, -3, 1e300, 4));
  await vi.waitFor(async () => expect(await stage.stored()).toEqual([1, 3]), soon);
  const { id: topicId } = await stage.topic();
  expect(stage.series.points.get(placeOf({ topicId, partition: 0 }))?.[0]).toEqual({
    offset: 1,
    timeMs: 1000,
    amount: 5.0000001,
    amountText: '5.0000001',
  });
  expect([...stage.series.progress.values()]).toEqual([5]);
  await vi.waitFor(async () => expect((await stage.log.groupOffsets('group-high', await stage.topic()))[0]?.lag).toBe(0), soon);
  expect(stage.consumer.check()).toEqual({ ready: true });
  expect([await stage.metric('sluice_consumer_records_total'), await stage.metric('sluice_consumer_stored_total')]).toEqual([5, 2]);
});

describe('dead letters', () => {
  test('a flood of nonsense is set aside with its source, and holds nothing up', async () => {
    const stage = new Stage({ partitions: 2 });
    stage.start();
    await stage.send(Array.from({ length: 3000 }, (_, index) => (index % 1000 === 999 ? event(7) : `nonsense ${index}`)));
    await stage.send(events(8), { partition: 1 });
    await vi.waitFor(async () => expect([await stage.stored(0), await stage.stored(1)]).toEqual([[999, 1999, 2999], [0]]), soon);
    const letters = await stage.letters();
    expect(letters).toHaveLength(2997);
    const { id } = await stage.topic();
    expect(letters[5]).toEqual({
      value: 'nonsense 5',
      reason: 'invalid',
      'reason-text': 'not valid JSON',
      route: 'high',
      'source-topic': 'events',
      'source-topic-id': id,
      'source-partition': '0',
      'source-offset': '5',
      'source-timestamp': expect.stringMatching(/^\d{13}$/),
    });
    expect(await stage.metric('sluice_consumer_dead_letters_total')).toBe(2997);
  });

  test('a letter goes out before its batch is full, and the batch is not stored before the letter is durable', async () => {
    const stage = new Stage({ partitions: 2, batch: { maxRows: 1000, maxAgeMs: 200 } });
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    stage.logStep = async (what) => {
      if (what !== 'append to events.dlq') return;
      asked.resolve();
      await gate.promise;
    };
    await stage.send([event(6), 'nonsense', event(7)]);
    await stage.send(events(8, 9), { partition: 1 });
    stage.start();
    await asked.promise;
    await vi.waitFor(async () => expect(await stage.stored(1)).toEqual([0, 1]), soon);
    // The other partition has come as far as to its second batch.
    await stage.send(events(10), { partition: 1 });
    await vi.waitFor(async () => expect(await stage.stored(1)).toEqual([0, 1, 2]), soon);
    expect(await stage.stored(0)).toEqual([]);
    expect(await stage.letters()).toEqual([]);
    gate.resolve();
    await vi.waitFor(async () => expect(await stage.stored(0)).toEqual([0, 2]), soon);
    expect(await stage.letters()).toHaveLength(1);
  });

  test('an event that no route takes is kept or dropped, as one chooses', async () => {
    for (const unmatched of ['keep', 'drop'] as const) {
      const stage = new Stage({ unmatched });
      await stage.setRoutes({
        watermark: 5,
        routes: [
          { name: 'high', when: 'amount > 100.0' },
          { name: 'other', when: 'amount > 200.0' },
        ],
      });
      stage.start();
      await stage.send(events(1, 101, 201));
      await vi.waitFor(async () => expect(await stage.stored()).toEqual([1, 2]), soon);
      expect((await stage.letters()).map(({ reason, value }) => [reason, value])).toEqual(
        unmatched === 'keep' ? [['unmatched', event(1)]] : [],
      );
      expect(await stage.metric('sluice_consumer_unmatched_total')).toBe(1);
      expect(await stage.metric('sluice_consumer_multiple_total')).toBe(1);
    }
  });

  test('so does one for which the predicate has no value, and one that the store refuses', async () => {
    const refuse = ({ amount }: SeriesPoint) => {
      if (amount === 8) return { reason: 'rejected' as const, text: 'too round' };
      return amount === 9 ? { reason: 'expired' as const, text: 'too old' } : undefined;
    };
    const stage = new Stage({ exactlyOnce: 'identity', refuse });
    await stage.setRoutes({ watermark: 5, routes: [{ name: 'high', when: '1 / int(amount) >= 0 || amount > 5.0' }] });
    stage.start();
    await stage.send(events(7, 0, 8, 9));
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([0]), soon);
    await vi.waitFor(async () => expect(await stage.letters()).toHaveLength(3), soon);
    expect((await stage.letters()).map((letter) => [letter['source-offset'], letter['reason'], letter['reason-text']])).toEqual([
      ['1', 'failed', expect.stringContaining('the predicate of the route has no value')],
      ['2', 'rejected', 'too round'],
      ['3', 'expired', 'too old'],
    ]);
    await vi.waitFor(async () => expect(await stage.metric('sluice_consumer_expired_total')).toBe(1), soon);
  });

  test('a store with a progress of its own does not pass what it refuses before the letter is durable', async () => {
    const refuse = ({ amount }: SeriesPoint) => (amount === 8 ? { reason: 'rejected' as const, text: 'too round' } : undefined);
    const stage = new Stage({ refuse });
    await stage.send(events(7, 8, 9));
    const refusing = Promise.withResolvers<void>();
    stage.logStep = async (what) => {
      if (!what.startsWith('append')) return;
      if ((await stage.log.topic('events.dlq')) === undefined) return;
      refusing.resolve();
      throw new AppError('logUnavailable', 'The dead letters are away.');
    };
    stage.start();
    await refusing.promise;
    // It dies here.
    await stage.end();
    expect([...stage.series.progress.values()]).toEqual([0]);
    expect([await stage.stored(), await stage.letters()]).toEqual([[], []]);
    const after = new Stage({ after: stage, refuse });
    stage.logStep = () => Promise.resolve();
    after.start();
    await vi.waitFor(async () => expect(await after.stored()).toEqual([0, 2]), soon);
    expect((await after.letters()).map((letter) => [letter['source-offset'], letter['reason']])).toEqual([['1', 'rejected']]);
    expect([...stage.series.progress.values()]).toEqual([3]);
    expect(await after.metric('sluice_consumer_stored_total')).toBe(2);
  });

  test('a letter that would be too large is cut', async () => {
    const stage = new Stage();
    stage.start();
    await stage.send(['x'.repeat(899_990), event(6)]);
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([1]), soon);
    const [letter] = await stage.letters();
    expect(letter).toMatchObject({ 'source-bytes': '899990', 'source-offset': '0' });
    expect(letter?.['value']?.length).toBeGreaterThan(899_000);
  });
});

test('a repeat is dropped, whatever it holds, also behind a restart', async () => {
  for (const exactlyOnce of ['transactional', 'identity'] as const) {
    const stage = new Stage({ exactlyOnce });
    stage.start();
    await stage.send([event(6), 'nonsense', event(1)], { key: 'a' });
    await stage.send([event(6), 'nonsense', event(1), event(7)], { key: 'a' });
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([0, 6]), soon);
    await stage.consumer.stopAccepting();
    await stage.consumer.drain();
    const next = new Stage({ exactlyOnce, after: stage });
    next.start();
    await next.send([event(6), 'nonsense', event(1), event(7), event(8)], { key: 'a' });
    await next.send([event(9)], { key: 'b' });
    await vi.waitFor(async () => expect(await next.stored()).toEqual([0, 6, 11, 12]), soon);
    expect(await next.letters()).toHaveLength(1);
    expect([await stage.metric('sluice_consumer_repeats_total'), await next.metric('sluice_consumer_repeats_total')]).toEqual([3, 4]);
  }
});

test('while the store is away nothing is lost, and readiness says so', async () => {
  const stage = new Stage();
  stage.start();
  await stage.send(events(6));
  await vi.waitFor(async () => expect(await stage.stored()).toEqual([0]), soon);
  let isAway = true;
  // Half of the calls have their effect all the same.
  stage.storeStep = async (what) => {
    if (isAway && what !== 'write') throw new AppError('seriesUnavailable', 'It is away.');
  };
  await stage.send(events(7, 8, 9));
  await vi.waitFor(
    () => expect(stage.consumer.check()).toEqual({ ready: false, detail: 'partition 0: The store does not take events: It is away.' }),
    soon,
  );
  await stage.send(events(10));
  isAway = false;
  await vi.waitFor(async () => expect(await stage.stored()).toEqual([0, 1, 2, 3, 4]), soon);
  await vi.waitFor(() => expect(stage.consumer.check()).toEqual({ ready: true }), soon);
  expect(await stage.metric('sluice_consumer_stored_total')).toBe(5);
});

describe('positions', () => {
  test('a store is asked for nothing but its tables before there is a record, and for everything once there was one', async () => {
    const stage = new Stage();
    const calls = new Set<string>();
    stage.storeStep = (what) => Promise.resolve(void calls.add(what));
    stage.start();
    await vi.waitFor(() => expect(stage.consumer.check()).toEqual({ ready: true }), soon);
    expect((await stage.routes()).latest).toBeDefined();
    expect([...calls].filter((what) => !what.includes('told'))).toEqual(['ensure the schema', 'read the retention']);
    await stage.send(events(7));
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([0]), soon);
    await stage.end();
    calls.clear();
    const after = new Stage({ after: stage });
    after.storeStep = (what) => Promise.resolve(void calls.add(what));
    after.start();
    await vi.waitFor(() => expect(calls).toContain('read the progress'), soon);
  });

  test('a topic that is made anew is read from its begin', async () => {
    const stage = new Stage();
    stage.start();
    await stage.send(events(6, 7, 8));
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([0, 1, 2]), soon);
    await stage.log.deleteTopic('events');
    await stage.send(events(9, 10));
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([0, 1]), soon);
    expect(stage.series.points.size).toBe(2);
    expect(await stage.metric('sluice_consumer_new_partitions_total')).toBe(2);
  });

  test('records that the log has lost are no reason to pass over their successors', async () => {
    const stage = new Stage();
    const topic = await stage.topic();
    stage.series.progress.set(`high/${placeOf({ topicId: topic.id, partition: 0 })}`, 3);
    await stage.send(events(6));
    stage.start();
    await vi.waitFor(() => expect(stage.consumer.check().ready).toBe(false), soon);
    await vi.waitFor(() => expect(stage.consumer.check().detail).toContain(`up to offset 3, but the log ends at 1`), soon);
    expect(await stage.stored()).toEqual([]);
    // The log comes back as it was.
    await stage.send(events(7, 8, 9));
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([3]), soon);
  });

  test('records that went by retention are counted', async () => {
    for (const exactlyOnce of ['transactional', 'identity'] as const) {
      const stage = new Stage({ exactlyOnce });
      await stage.send(events(6, 7, 8));
      stage.log.trim(await stage.topic(), 0, 2);
      stage.start();
      await vi.waitFor(async () => expect(await stage.stored()).toEqual([2]), soon);
      expect(await stage.metric('sluice_consumer_lost_total')).toBe(2);
    }
  });
});

describe('routes', () => {
  test('the first start sets them, a later one changes the watermark only where it is given', async () => {
    const custom: RouteSet = { watermark: 5, routes: [{ name: 'high', when: 'amount > watermark * 2.0' }] };
    for (const [watermark, before, after] of [
      [undefined, undefined, [presetRoutes(5)]],
      [7, undefined, [presetRoutes(7)]],
      [undefined, custom, [custom]],
      [5, custom, [custom]],
      [6, custom, [custom, { ...custom, watermark: 6 }]],
    ] as const) {
      const stage = new Stage({ watermark });
      if (before) await stage.setRoutes(before);
      stage.start();
      await stage.send(events(100));
      await vi.waitFor(async () => expect(await stage.stored()).toEqual([0]), soon);
      expect((await stage.routes()).versions.map(({ set }) => set)).toEqual(after);
    }
  });

  test('records behind a proposal wait for its verdict, the ones before it do not', async () => {
    const stage = new Stage();
    stage.start();
    await stage.send(events(6, 7));
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([0, 1]), soon);
    const { id: topicId } = await stage.topic();
    const entry = (value: object) =>
      stage.log.append({
        topic: 'events.routes',
        partition: 0,
        records: [{ key: Buffer.from(JSON.stringify(value)), value: Buffer.from(JSON.stringify(value)) }],
      });
    await entry({ type: 'proposed', id: 'p', topicId, version: 2, since: [3], set: presetRoutes(100) });
    await stage.send(events(8, 9, 10));
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([0, 1, 2]), soon);
    expect([...stage.series.progress.values()]).toEqual([3]);
    await entry({ type: 'confirmed', id: 'p' });
    await stage.send(events(101));
    await vi.waitFor(async () => expect(await stage.stored()).toEqual([0, 1, 2, 5]), soon);
  });
});

test('a stop stores what was read and leaves the group', async () => {
  const stage = new Stage({ batch: { maxRows: 1000, maxAgeMs: 60_000 } });
  const judged = Promise.withResolvers<void>();
  let reads = 0;
  stage.logStep = async (what) => {
    if (what === 'read events') reads += 1;
    // It reads on when it has judged what came.
    if (reads === 2) judged.resolve();
  };
  await stage.send(events(6, 7));
  stage.start();
  await judged.promise;
  await vi.waitFor(async () => expect(await stage.metric('sluice_consumer_lag_records')).toBe(2), soon);
  await stage.consumer.stopAccepting();
  await stage.consumer.drain();
  expect(await stage.stored()).toEqual([0, 1]);
  expect((await stage.log.groupOffsets('group-high', await stage.topic()))[0]?.committed).toBe(2);
  expect(await stage.metric('sluice_consumer_partitions')).toBe(0);
});

test('a stop does not wait for a store that takes calls and says nothing', async () => {
  for (const silent of ['ensure the schema', 'read the progress']) {
    const stage = new Stage();
    const asked = Promise.withResolvers<void>();
    stage.storeStep = async (what, signal) => {
      if (what !== silent) return;
      asked.resolve();
      await once(signal, 'abort');
      signal.throwIfAborted();
    };
    await stage.send(events(7));
    stage.start();
    await asked.promise;
    await stage.consumer.stopAccepting();
    await stage.consumer.drain();
  }
});

test('a store that keeps events for a shorter time than the log, or than one knows, is warned of', async () => {
  const warned = async (retentionMs: number, logRetentionMs: number | undefined): Promise<boolean> => {
    const warn = vi.fn();
    const stage = new Stage({ retentionMs, logRetentionMs, logger: { ...silentLogger, warn, child: () => silentLogger } });
    stage.start();
    await stage.consumer.joined;
    await stage.end();
    return warn.mock.calls.some(([fields]) => fields.retentionMs === retentionMs);
  };
  expect([await warned(999, 1000), await warned(1000, 1000), await warned(1000, undefined)]).toEqual([true, false, true]);
});
