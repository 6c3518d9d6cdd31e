import type { CompareAnswer, Finding, SeriesType, TypeTally } from '@sluice/contract/event-series';
import type { LogEngine, LogTopic, OffsetRange } from '../../../engines/log/log-engine.ts';
import { Semaphore } from '../../../kernel/async/semaphore.ts';
import { withinDeadline } from '../../../kernel/async/within-deadline.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import { offsetAtTime } from '../consume/rebuild-window.ts';
import { RoutesLog } from '../routes-log.ts';
import { addTallies, compareStretch, type StretchResult } from './compare-stretch.ts';
import { type ExpectedEvents, ExpectedEventsReader } from './expected-events.ts';
import { failureStatus, type MadeAnswer, made } from './series-answer.ts';
import type { WindowQuery } from './series-query.ts';
import type { StoreFailure, StoreReads } from './store-reads.ts';

export interface CompareOptions {
  readonly log: LogEngine;
  readonly topic: string;
  /** Group in which the consumer of a type commits. */
  readonly groupOf: (type: SeriesType) => string;
  readonly maxFutureSkewMs: number;
  readonly reads: StoreReads;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly logger: Logger;
  /** Records that one comparison looks at. */
  readonly maxRecords?: number;
}

interface StretchSum {
  readonly events: number;
  readonly inBoth: number;
  readonly types: readonly TypeTally[];
  readonly findings: readonly Finding[];
}

interface PartitionResult extends StretchSum {
  readonly partition: number;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly isWhole: boolean;
}

interface Comparison {
  readonly query: WindowQuery;
  readonly topic: LogTopic;
  readonly routes: RoutesLog;
  readonly handledTo: ReadonlyMap<SeriesType, readonly number[]>;
  readonly failures: Map<SeriesType, StoreFailure>;
  readonly signal: AbortSignal;
  readonly endAt: number;
}

const defaultMaxRecords = 1_000_000;
const maxFindings = 100;
/** Records whose offsets are asked for at once. */
const stretchRecords = 50_000;
/** After it no further records are read; and when whatever hangs is given up. */
const readingMs = 20_000;
const timeoutMs = 60_000;
const storeTimeoutMs = 10_000;
/** Arrival times may go back a little, where a broker's clock was set. */
const marginMs = 60 * 60 * 1000;

/** Compares what the stores hold of a window with what the log says that they should. One comparison at a time. */
export class Compare {
  readonly #options: CompareOptions;
  readonly #turn = new Semaphore({ permits: 1, maxWaiting: 0 });

  constructor(options: CompareOptions) {
    this.#options = options;
  }

  /** Errors as those of the log; `overloaded` while another comparison runs. */
  async answer(query: WindowQuery): Promise<MadeAnswer> {
    using _turn = await this.#turn.acquire();
    const { startTimer } = this.#options;
    const { signal } = new AbortController();
    return await withinDeadline({ what: 'The comparison did not end', code: 'seriesUnavailable', timeoutMs, startTimer, signal }, (ends) =>
      this.#compare(query, ends),
    );
  }

  async #compare(query: WindowQuery, signal: AbortSignal): Promise<MadeAnswer> {
    const { log, topic: name, reads, clock, logger, maxRecords = defaultMaxRecords } = this.#options;
    const endAt = clock.monotonic() + readingMs;
    const topic = await log.topic(name);
    if (!topic) throw new AppError('logTopicNotFound', `There is no topic ${name} yet.`);
    const { fromMs, toMs, types } = query;
    const window = { fromMs, toMs };
    // In this order: what a route has handled is stored before its offsets are read.
    const ranges = await log.offsets(topic);
    const handledTo = await this.#handledTo(topic, types);
    const totals = await reads.ask({
      types,
      timeoutMs: storeTimeoutMs,
      read: async (store, ends) => {
        const buckets = await store.readBuckets({ window, stepMs: Math.max(1, toMs - fromMs), fn: 'count' }, ends);
        return buckets.reduce((sum, { count }) => sum + count, 0);
      },
    });
    const failures = new Map(totals.failures.map((failure) => [failure.type, failure]));
    if (failures.size === types.length)
      return made(failureStatus(totals.failures), { message: 'no store answered', errors: totals.failures });
    const routes = await RoutesLog.open({ log, topic, clock, logger });
    const comparison: Comparison = { query, topic, routes, handledTo, failures, signal, endAt };
    const partitions: PartitionResult[] = [];
    const maxOfEach = Math.max(1, Math.floor(maxRecords / topic.partitions));
    for (const [partition, range] of ranges.entries())
      partitions.push(await this.#comparePartition(comparison, { partition, range, maxRecords: maxOfEach }));
    return this.#made(comparison, { partitions, totals: totals.answers });
  }

  #made(
    { query, topic, failures }: Comparison,
    { partitions, totals }: { partitions: readonly PartitionResult[]; totals: ReadonlyMap<SeriesType, number> },
  ): MadeAnswer {
    const findings = partitions.flatMap((one) => one.findings).slice(0, maxFindings);
    const errors = [...failures.values()];
    const unverified = [...totals].map(([type, total]) => {
      const seen = partitions.flatMap(({ types }) => types).filter((tally) => tally.type === type);
      return { type, points: Math.max(0, total - seen.reduce((sum, { stored }) => sum + stored, 0)) };
    });
    const answer: CompareAnswer = {
      message: errors.length > 0 ? 'partial' : findings.length > 0 ? 'different' : 'ok',
      from: query.fromMs,
      to: query.toMs,
      topic: topic.name,
      topicId: topic.id,
      complete: partitions.every(({ isWhole }) => isWhole),
      partitions: partitions.map(({ partition, fromOffset, toOffset, events, inBoth, types }) => ({
        partition,
        fromOffset,
        toOffset,
        events,
        inBoth,
        types: [...types],
      })),
      unverified,
      findings,
      ...(errors.length > 0 && { errors }),
    };
    return made(200, answer);
  }

  async #comparePartition(
    comparison: Comparison,
    { partition, range, maxRecords }: { partition: number; range: OffsetRange; maxRecords: number },
  ): Promise<PartitionResult> {
    const { log, clock, maxFutureSkewMs } = this.#options;
    const { query, topic, routes, signal, endAt } = comparison;
    const { fromOffset, isFromBegin } = await this.#firstOffset(comparison, { partition, range, maxRecords });
    const toOffset = Math.min(range.end, fromOffset + maxRecords);
    const reader = await ExpectedEventsReader.open({ log, topic, partition, routes, maxFutureSkewMs, window: query, signal }, fromOffset);
    let result: StretchSum = { events: 0, inBoth: 0, types: query.types.map(emptyTally), findings: [] };
    let next = fromOffset;
    while (next < toOffset && clock.monotonic() < endAt) {
      const read = await reader.read(next, Math.min(toOffset, next + stretchRecords));
      if (read.next === next) break;
      const { tallies, inBoth, findings } = await this.#compareStretch(comparison, { partition, from: next, read });
      result = {
        events: result.events + read.events,
        inBoth: result.inBoth + inBoth,
        types: addTallies(result.types, tallies),
        findings: [...result.findings, ...findings].slice(0, maxFindings),
      };
      next = read.next;
    }
    return { partition, fromOffset, toOffset: next, isWhole: isFromBegin && next === range.end, ...result };
  }

  async #compareStretch(
    { query, topic, handledTo, failures }: Comparison,
    { partition, from, read: { expected, next } }: { partition: number; from: number; read: ExpectedEvents },
  ): Promise<StretchResult> {
    const { fromMs, toMs } = query;
    const offsets = { topicId: topic.id, partition, window: { fromMs, toMs }, fromOffset: from, toOffset: next };
    const stored = await this.#options.reads.ask({
      types: query.types.filter((type) => !failures.has(type)),
      timeoutMs: storeTimeoutMs,
      read: (store, ends) => store.readOffsets(offsets, ends),
    });
    for (const failure of stored.failures) failures.set(failure.type, failure);
    const handled = new Map([...handledTo].map(([type, ofPartitions]) => [type, ofPartitions[partition] ?? 0]));
    return compareStretch({ partition, expected, stored: stored.answers, handledTo: handled }, maxFindings);
  }

  /** By type and partition: the first offset that its group has not told to be stored. */
  async #handledTo(topic: LogTopic, types: readonly SeriesType[]): Promise<ReadonlyMap<SeriesType, readonly number[]>> {
    const { log, groupOf } = this.#options;
    const handledTo = new Map<SeriesType, readonly number[]>();
    for (const type of types) {
      const offsets = await log.groupOffsets(groupOf(type), topic);
      handledTo.set(
        type,
        offsets.map(({ committed }) => committed ?? 0),
      );
    }
    return handledTo;
  }

  /** Events of the window came after its begin, but for those from the future. If there are too many records, these are left out. */
  async #firstOffset(
    { query, topic, signal }: Comparison,
    { partition, range, maxRecords }: { partition: number; range: OffsetRange; maxRecords: number },
  ): Promise<{ readonly fromOffset: number; readonly isFromBegin: boolean }> {
    const { log, maxFutureSkewMs } = this.#options;
    const place = { log, topic, partition, signal };
    const cameAt = query.fromMs - marginMs;
    const earliest = await offsetAtTime(place, { ...range, timeMs: cameAt - maxFutureSkewMs });
    if (range.end - earliest <= maxRecords) return { fromOffset: earliest, isFromBegin: true };
    const fromOffset = await offsetAtTime(place, { ...range, begin: earliest, timeMs: cameAt });
    return { fromOffset, isFromBegin: fromOffset === earliest };
  }
}

const emptyTally = (type: SeriesType): TypeTally => ({ type, expected: 0, stored: 0, missing: 0, double: 0, stray: 0, pending: 0 });
