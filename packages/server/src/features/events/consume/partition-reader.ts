import type { LogEngine, LogTopic, OwnedPartition } from '../../../engines/log/log-engine.ts';
import type { LogPartition, RefusedPoint, SeriesPoint, SeriesStore } from '../../../engines/series/series-store.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { RateLimitedLog } from '../../../kernel/observe/rate-limited-log.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import type { ConsumerMeter } from '../consumer-metrics.ts';
import { encodeEvent } from '../encode-event.ts';
import type { RoutesLog } from '../routes-log.ts';
import { BatchCollector, type CollectLimits } from './batch-collector.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { DeadLetters } from './dead-letters.ts';
import { GroupCommits } from './group-commits.ts';
import { Judge, type JudgeOptions } from './judge.ts';
import type { JudgedBatch } from './judged-batch.ts';
import { type OpenedPosition, openPosition } from './open-position.ts';
import { Retry } from './retry.ts';
import { storeBatch, withoutRefused } from './store-batch.ts';

const firstRecordWaitMs = 10_000;

/** What the readers of all partitions of a route have in common. */
export interface ReaderContext {
  readonly log: LogEngine;
  readonly store: SeriesStore;
  readonly route: string;
  readonly group: string;
  readonly rules: Omit<JudgeOptions, 'route' | 'window'>;
  readonly limits: CollectLimits;
  readonly deadLetters: DeadLetters;
  readonly routesOf: (topic: LogTopic) => Promise<RoutesLog>;
  readonly meter: ConsumerMeter;
  readonly logger: Logger;
  readonly samples: RateLimitedLog;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly random: () => number;
  /** Stop soon: what is read is stored, nothing more is read. */
  readonly stop: AbortSignal;
  /** Stop now. */
  readonly abort: AbortSignal;
}

/**
 * Brings one partition into the store for as long as it is ours: one batch is stored while the next one is read and judged.
 *
 *     open the position -> read and judge -> dead letters durable -> points and progress stored -> commit of the group
 *          ^                    |                                           |
 *          '---- log fails -----'------------------- fenced ----------------'
 *
 * I1 The progress of the store passes a record only once its point is stored, or its dead letter is durable, or it is a repeat.
 * I2 Two readers of a partition, of which one does not know yet that it has lost it, cannot both store a record: the store moves the
 * progress from the begin of a batch or takes nothing of it; a store without progress knows the same point by its identity.
 */
export class PartitionReader {
  readonly #context: ReaderContext;
  readonly #owned: OwnedPartition;
  readonly #key: LogPartition;
  readonly #logger: Logger;
  readonly #retry: Retry;
  readonly #commits: GroupCommits;
  /** Of a store that keeps no progress. */
  #stored: number | undefined;
  /** Where reading goes on, and where the log ends, as far as known. */
  #next: number;
  #end: number;

  constructor(owned: OwnedPartition, context: ReaderContext) {
    const { topic, partition } = owned;
    const { clock, startTimer, random, stop, abort } = context;
    this.#context = context;
    this.#owned = owned;
    this.#key = { route: context.route, topicId: topic.id, partition };
    this.#logger = context.logger.child({ topic: topic.name, topicId: topic.id, partition });
    const end = AbortSignal.any([owned.revoked, stop, abort]);
    this.#retry = new Retry({ end, clock, startTimer, random, logger: this.#logger });
    this.#commits = new GroupCommits({ owned, end, startTimer, logger: this.#logger });
    this.#next = owned.position;
    this.#end = owned.position;
  }

  get topic(): LogTopic {
    return this.#owned.topic;
  }

  get partition(): number {
    return this.#owned.partition;
  }

  /** Records that are not stored yet, as far as known. */
  get lag(): number {
    return Math.max(0, this.#end - this.#next);
  }

  get trouble(): string | undefined {
    return this.#retry.trouble;
  }

  /** The log ends there, at least. */
  noteEnd(offset: number): void {
    this.#end = Math.max(this.#end, offset);
  }

  /** Settles when the partition is lost, or behind `stop` and `abort`. Rejects for a bug only. */
  async run(): Promise<void> {
    const { stop, abort } = this.#context;
    const isOver = () => !this.#owned.isOwned || stop.aborted || abort.aborted;
    while (!isOver()) {
      try {
        await this.#retry.run('The partition cannot be read', (works) => this.#read(works));
      } catch (error) {
        if (!isOver()) throw error;
      }
    }
    await this.#commits.settled();
  }

  /** Settles when the batch was fenced, or nothing more is to be read. */
  async #read(works: () => void): Promise<void> {
    const { log, store, group, routesOf, stop, abort } = this.#context;
    const { revoked } = this.#owned;
    const hasRecords = await this.#hasRecords();
    const routes = await routesOf(this.#owned.topic);
    if (!hasRecords && !(await this.#firstRecord(works))) return;
    // Nothing is read yet that a stop would have to store.
    const opening = AbortSignal.any([revoked, stop, abort]);
    const position = await openPosition({ log, store, owned: this.#owned, key: this.#key, group, stored: this.#stored, signal: opening });
    works();
    this.#begin(position);
    const halt = new AbortController();
    const signal = AbortSignal.any([revoked, stop, abort, halt.signal]);
    const collector = this.#collector(position, routes);
    let writing: Promise<'stored' | 'fenced'> = Promise.resolve('stored');
    try {
      for (;;) {
        const batch = await collector.next(signal);
        if ((await writing) === 'fenced' || batch === undefined) return;
        writing = this.#write(batch, position);
        // Whatever ends the writing ends the reading.
        writing.then(
          (outcome) => outcome === 'fenced' && halt.abort(),
          () => halt.abort(),
        );
      }
    } finally {
      await writing.catch(() => {});
    }
  }

  /** False where there never was one. */
  async #hasRecords(): Promise<boolean> {
    const range = (await this.#context.log.offsets(this.#owned.topic))[this.partition];
    // From here on the lag is known, whatever the store takes to open.
    this.noteEnd(range?.end ?? 0);
    return range?.end !== 0;
  }

  /** Waits a while for the first record: before it the store need not be asked for anything. */
  async #firstRecord(works: () => void): Promise<boolean> {
    const { stop, abort } = this.#context;
    works();
    const signal = AbortSignal.any([this.#owned.revoked, stop, abort]);
    const first = await this.#owned.fetch({ maxRecords: 1, maxBytes: 1, waitMs: firstRecordWaitMs, signal });
    return first !== 'revoked' && first.records.length > 0;
  }

  #begin({ next, begin, isNew, window }: OpenedPosition): void {
    const { meter } = this.#context;
    this.#next = next;
    this.#owned.seek(Math.max(next, begin));
    if (isNew) {
      meter.newPartition();
      this.#logger.info({ next, begin }, 'the topic is new to the store: it is read from its begin');
    } else this.#logger.info({ next, repeats: window.size }, 'the partition is read');
    if (begin <= next) return;
    meter.lost(begin - next);
    const fields = { from: next, to: begin };
    if (isNew) this.#logger.warn(fields, 'the first records of the topic are gone by its retention');
    else this.#logger.error(fields, 'records are gone by the retention of the log before they were stored');
  }

  #collector({ next, window }: OpenedPosition, routes: RoutesLog): BatchCollector {
    const { route, rules, limits, clock, startTimer } = this.#context;
    return new BatchCollector({
      owned: this.#owned,
      routes,
      judge: new Judge({ ...rules, route, window }),
      from: next,
      limits,
      send: (batch) => this.#send(batch),
      onFetched: ({ endOffset, unreadable }) => {
        this.noteEnd(endOffset);
        for (const { begin, end } of unreadable) this.#logger.error({ begin, end }, 'records are damaged in the log and passed over');
      },
      clock,
      startTimer,
    });
  }

  #send(batch: JudgedBatch): void {
    const { letters } = batch;
    if (letters.length === 0) return;
    batch.letters = [];
    const sending = this.#sendLetters(letters);
    // It is awaited with the batch, which may be dropped before.
    sending.catch(() => {});
    batch.sending.push(sending);
  }

  async #sendLetters(letters: readonly DeadLetter[]): Promise<void> {
    const { deadLetters, meter, samples } = this.#context;
    await deadLetters.send(letters, this.#owned, this.#retry);
    for (const [reason, some] of Map.groupBy(letters, (letter) => letter.reason)) {
      meter.dead(reason, some.length);
      const { partition, topic } = this.#owned;
      const fields = { reason, letters: some.length, topic: topic.name, partition, offset: some[0]?.record.offset, text: some[0]?.text };
      samples.warn({ key: reason, fields, message: 'records go to the dead letters' });
    }
  }

  async #write(batch: JudgedBatch, { window, journal }: OpenedPosition): Promise<'stored' | 'fenced'> {
    const { store, meter, abort } = this.#context;
    const { from, to } = batch;
    // Before the next batch is judged.
    const repeats = journal?.change(window, to);
    await Promise.all(batch.sending);
    let points: readonly SeriesPoint[] = batch.points;
    for (let isStored = false; !isStored; ) {
      const given = { partition: this.#key, from, to, points, ...(repeats && { repeats }) };
      const result = await storeBatch(given, { store, retry: this.#retry, signal: abort });
      if (result.outcome === 'fenced') {
        meter.fenced();
        this.#logger.warn({ from, to }, 'another process has stored these records: the batch is dropped');
        return 'fenced';
      }
      const { refused } = result;
      // I1: a store with a progress takes the batch only once these are durable; the others commit to the group behind this.
      if (refused.length > 0) await this.#sendLetters(refused.flatMap((one) => refusedLetter(points, one)));
      points = withoutRefused(points, refused);
      isStored = result.outcome === 'stored';
    }
    meter.stored(batch, batch.points.length - points.length);
    this.#next = to;
    if (!journal) this.#stored = to;
    this.#commits.note(to);
    return 'stored';
  }
}

function refusedLetter(points: readonly SeriesPoint[], { index, reason, text }: RefusedPoint): DeadLetter[] {
  const point = points[index];
  if (!point) return [];
  const { offset, timeMs, amount, amountText } = point;
  const value = Buffer.from(encodeEvent({ time: timeMs, amount, amountText }, 'string'));
  return [{ record: { offset, timestampMs: timeMs, key: null, value, headers: [] }, reason, text }];
}
