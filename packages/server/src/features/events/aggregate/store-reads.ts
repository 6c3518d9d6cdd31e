import type { SeriesFailure, SeriesType } from '@sluice/contract/event-series';
import type { SeriesStore } from '../../../engines/series/series-store.ts';
import { Semaphore } from '../../../kernel/async/semaphore.ts';
import { withinDeadline } from '../../../kernel/async/within-deadline.ts';
import { errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../../kernel/errors/error-table.ts';
import type { RateLimitedLog } from '../../../kernel/observe/rate-limited-log.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import type { AggregatorMeter } from '../aggregator-metrics.ts';

/** What the aggregator asks of a store. */
export type ReadableStore = Pick<SeriesStore, 'readBuckets' | 'readOffsets' | 'probe'>;

export interface SeriesSource {
  readonly type: SeriesType;
  readonly store: ReadableStore;
}

interface StoreReadsOptions {
  readonly sources: readonly SeriesSource[];
  /** Time for the answer of a store. */
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
  readonly clock: Clock;
  readonly meter: AggregatorMeter;
  readonly failures: RateLimitedLog;
}

interface ReadRequest<T> {
  readonly types: readonly SeriesType[];
  readonly read: (store: ReadableStore, signal: AbortSignal) => Promise<T>;
  /** In the place of the usual one. */
  readonly timeoutMs?: number;
}

export interface StoreFailure extends SeriesFailure {
  readonly code: ErrorCode;
}

/** By type; what did not answer is in `failures`. */
export interface StoreAnswers<T> {
  readonly answers: ReadonlyMap<SeriesType, T>;
  readonly failures: readonly StoreFailure[];
}

/** Reads of one store that work at the same time, and that wait for them. */
const permits = 4;
const maxWaiting = 64;
const never = new AbortController().signal;

/** Asks stores side by side. Settles when the last one has answered, failed, or had its time: a slow one costs no more than that. */
export class StoreReads {
  readonly #options: StoreReadsOptions;
  readonly #turns: ReadonlyMap<SeriesType, Semaphore>;

  constructor(options: StoreReadsOptions) {
    this.#options = options;
    this.#turns = new Map(options.sources.map(({ type }) => [type, new Semaphore({ permits, maxWaiting })]));
  }

  /** Never rejects. */
  async ask<T>({ types, read, timeoutMs = this.#options.timeoutMs }: ReadRequest<T>): Promise<StoreAnswers<T>> {
    const answers = new Map<SeriesType, T>();
    const failures: StoreFailure[] = [];
    const sources = this.#options.sources.filter(({ type }) => types.includes(type));
    const results = await Promise.all(sources.map((source) => this.#askOne(source, { read, timeoutMs })));
    for (const [index, { type }] of sources.entries()) {
      const result = results[index];
      if (result?.ok) answers.set(type, result.value);
      else if (result) failures.push(result.failure);
    }
    return { answers, failures };
  }

  async #askOne<T>(
    { type, store }: SeriesSource,
    { read, timeoutMs }: Required<Pick<ReadRequest<T>, 'read' | 'timeoutMs'>>,
  ): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: StoreFailure }> {
    const { clock, startTimer, meter, failures } = this.#options;
    const startedAt = clock.monotonic();
    try {
      // Every caller waits for its deadline only, but a store that does not hear of it keeps its permits: it is not asked by ever more.
      const value = await withinDeadline(
        { what: `The store of ${type} did not answer`, code: 'seriesUnavailable', timeoutMs, startTimer, signal: never },
        async (signal) => {
          using _permit = await this.#turns.get(type)?.acquire(signal);
          return await read(store, signal);
        },
      );
      meter.read(type, (clock.monotonic() - startedAt) / 1000);
      return { ok: true, value };
    } catch (error) {
      const code = isAppError(error) ? error.code : 'internalError';
      const failure = { type, code, message: isAppError(error) ? error.message : `The store of ${type} cannot be read.` };
      meter.readFailed(type, code);
      failures.warn({ key: `${type}:${code}`, fields: { type, code, error: errorText(error) }, message: 'a store cannot be read' });
      return { ok: false, failure };
    }
  }
}
