import { randomUUID } from 'node:crypto';
import type { LogEngine, LogTopic } from '../../engines/log/log-engine.ts';
import type { LogPartition, SeriesPoint, SeriesStore } from '../../engines/series/series-store.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { Judge } from './consume/judge.ts';
import { JudgedBatch } from './consume/judged-batch.ts';
import { offsetAtTime, rebuildWindow } from './consume/rebuild-window.ts';
import { withoutRefused } from './consume/store-batch.ts';
import type { RoutesLog } from './routes-log.ts';

interface ReplayOptions {
  readonly log: LogEngine;
  readonly store: SeriesStore;
  readonly topic: LogTopic;
  readonly routes: RoutesLog;
  readonly route: string;
  /** Undefined: every one. */
  readonly partition: number | undefined;
  /** The first record: by its offset, or by its time of arrival. */
  readonly from: { readonly offset: number } | { readonly timeMs: number };
  readonly maxFutureSkewMs: number;
  readonly signal: AbortSignal;
}

export interface PartitionReplay {
  readonly partition: number;
  readonly from: number;
  /** Behind the last record. */
  readonly to: number;
  readonly records: number;
  /** Events of the route among them. */
  readonly events: number;
  /** Of these, the ones that the store did not have; undefined where it does not tell, because storing again changes nothing. */
  readonly added: number | undefined;
}

const readLimits = { maxRecords: 2000, maxBytes: 1024 * 1024, waitMs: 0 };
const verdictWaitMs = 100;

/**
 * Reads records again that the route is through with, judges them as they were judged then, and stores what its store does not have any
 * more: after a restore of the store from an older copy, or a deletion. The consumer goes on meanwhile; what is before its progress is
 * nobody else's. Not two replays of one route at once: both could store what both find missing.
 */
export async function replayRoute(options: ReplayOptions): Promise<PartitionReplay[]> {
  const { topic, partition: only } = options;
  if (only !== undefined && only >= topic.partitions)
    throw new AppError('badRequest', `The topic ${topic.name} has ${topic.partitions} partitions, there is no partition ${only}.`);
  const partitions = only === undefined ? Array.from({ length: topic.partitions }, (_, index) => index) : [only];
  const replays: PartitionReplay[] = [];
  for (const partition of partitions) replays.push(await replayPartition(options, partition));
  return replays;
}

async function replayPartition(options: ReplayOptions, partition: number): Promise<PartitionReplay> {
  const { log, store, topic, route, from: wanted, maxFutureSkewMs, signal } = options;
  const place = { log, topic, partition, signal };
  const { begin, end } = (await log.offsets(topic))[partition] ?? { begin: 0, end: 0 };
  const progress = await store.readProgress({ route, topicId: topic.id, partition }, signal);
  const to = progress ? Math.min(progress.next, end) : end;
  const from =
    'offset' in wanted
      ? Math.min(Math.max(wanted.offset, begin), to)
      : await offsetAtTime(place, { begin, end: to, timeMs: wanted.timeMs });
  // The window may reach back behind `from`; a replay of its own never moves the progress of the route.
  const judge = new Judge({ route, window: await rebuildWindow(place, from), maxFutureSkewMs, unmatched: 'drop' });
  const sink = new ReplaySink(store, { route, topicId: topic.id, partition }, signal);
  let records = 0;
  let events = 0;
  for (let next = from; next < to; ) {
    signal.throwIfAborted();
    const batch = await judgedFrom(options, { judge, partition, from: next, to });
    if (batch.to === next) break;
    records += batch.counts.records;
    events += batch.points.length;
    await sink.store(batch);
    next = batch.to;
  }
  return { partition, from, to, records, events, added: sink.added };
}

interface Stretch {
  readonly judge: Judge;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

async function judgedFrom({ log, topic, routes, signal }: ReplayOptions, { judge, partition, from, to }: Stretch): Promise<JudgedBatch> {
  const batch = new JudgedBatch(from);
  const { records, nextOffset } = await log.read({ topic, partition, offset: from, ...readLimits, signal });
  await routes.catchUp();
  for (const record of records) {
    if (record.offset >= to) break;
    let at = routes.at({ partition, offset: record.offset });
    while (at.type !== 'routes') {
      if (!(await sleep(verdictWaitMs, signal))) signal.throwIfAborted();
      await routes.catchUp();
      at = routes.at({ partition, offset: record.offset });
    }
    judge.take(record, at.routes, batch);
  }
  batch.to = Math.min(nextOffset, to);
  return batch;
}

/** Stores what is missing. */
class ReplaySink {
  readonly #store: SeriesStore;
  readonly #key: LogPartition;
  readonly #signal: AbortSignal;
  /** With a transactional store, the replay has a progress of its own. */
  readonly #replay: LogPartition;
  readonly #isTransactional: boolean;
  #next = 0;
  #added = 0;

  constructor(store: SeriesStore, key: LogPartition, signal: AbortSignal) {
    this.#store = store;
    this.#key = key;
    this.#signal = signal;
    this.#replay = { ...key, route: `${key.route}/replay/${randomUUID()}` };
    this.#isTransactional = store.capabilities.exactlyOnce === 'transactional';
  }

  get added(): number | undefined {
    return this.#isTransactional ? this.#added : undefined;
  }

  async store({ from, to, points }: JudgedBatch): Promise<void> {
    if (points.length === 0) return;
    if (!this.#isTransactional) {
      await this.#store.write({ partition: this.#key, from, to, points }, this.#signal);
      return;
    }
    let missing = await this.#missing({ from, to, points });
    while (missing.length > 0) {
      if (this.#next === 0) await this.#store.readProgress(this.#replay, this.#signal);
      const result = await this.#store.write({ partition: this.#replay, from: this.#next, to, points: missing }, this.#signal);
      if (result.outcome === 'fenced') throw new AppError('transactionConflict', 'The replay was disturbed; start it again.');
      // They are dead letters of the consumer.
      missing = withoutRefused(missing, result.refused);
      if (result.outcome === 'refused') continue;
      this.#next = to;
      this.#added += missing.length;
      return;
    }
  }

  async #missing({ from, to, points }: Pick<JudgedBatch, 'from' | 'to' | 'points'>): Promise<SeriesPoint[]> {
    const times = points.map(({ timeMs }) => timeMs);
    const { topicId, partition } = this.#key;
    const window = { fromMs: Math.min(...times), toMs: Math.max(...times) + 1 };
    const there = new Set(await this.#store.readOffsets({ topicId, partition, window, fromOffset: from, toOffset: to }, this.#signal));
    return points.filter(({ offset }) => !there.has(offset));
  }
}
