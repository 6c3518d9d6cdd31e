import { assertBatch, assertBucketQuery, assertOffsetsQuery, assertPartition } from '../../src/engines/series/assert-series.ts';
import {
  type Bucket,
  type BucketQuery,
  type LogPartition,
  maxEventTimeMs,
  type OffsetsQuery,
  type RefusedPoint,
  type RepeatsPage,
  type RepeatsQuery,
  type SeriesBatch,
  type SeriesCapabilities,
  type SeriesPoint,
  type SeriesProgress,
  type SeriesStore,
  type WriteOutcome,
} from '../../src/engines/series/series-store.ts';

/** What the stores of one series have in common, as a database does. */
export class MemorySeries {
  /** By topic id and partition; with a transactional store a point may be there twice. */
  readonly points = new Map<string, SeriesPoint[]>();
  readonly progress = new Map<string, number>();
  readonly repeats = new Map<string, { readonly to: number; readonly bytes: Uint8Array }[]>();
}

interface MemoryStoreOptions {
  readonly series: MemorySeries;
  readonly exactlyOnce: SeriesCapabilities['exactlyOnce'];
  /** Awaited before and after the effect of every call, so that a test decides the order, or lets it fail. */
  readonly step?: (what: string, signal: AbortSignal) => Promise<void>;
  readonly refuse?: (point: SeriesPoint) => Omit<RefusedPoint, 'index'> | undefined;
  readonly retentionMs?: number | undefined;
}

const pageBytes = 1024 * 1024;

/** A store of a series in memory. */
export class MemorySeriesStore implements SeriesStore {
  readonly capabilities: SeriesCapabilities;
  readonly #options: Required<MemoryStoreOptions>;

  constructor(options: MemoryStoreOptions) {
    this.#options = { step: () => Promise.resolve(), refuse: () => undefined, retentionMs: undefined, ...options };
    this.capabilities = { exactlyOnce: options.exactlyOnce, keepsAmountText: true, maxTimeMs: maxEventTimeMs };
  }

  ensureSchema(signal: AbortSignal): Promise<void> {
    return this.#call('ensure the schema', signal, () => {});
  }

  async readProgress(partition: LogPartition, signal: AbortSignal): Promise<SeriesProgress | undefined> {
    assertPartition(partition);
    return await this.#call('read the progress', signal, () => {
      if (!this.#isTransactional) return undefined;
      const { progress } = this.#options.series;
      const next = progress.get(keyOf(partition));
      progress.set(keyOf(partition), next ?? 0);
      return { next: next ?? 0, isNew: next === undefined };
    });
  }

  async write(batch: SeriesBatch, signal: AbortSignal): Promise<WriteOutcome> {
    assertBatch(batch);
    return await this.#call('write', signal, () => (this.#isTransactional ? this.#writeFenced(batch) : this.#put(batch)));
  }

  readRepeats({ partition, after }: RepeatsQuery, signal: AbortSignal): Promise<RepeatsPage> {
    return this.#call('read the repeats', signal, () => {
      let before = 0;
      const behind = (this.#options.series.repeats.get(keyOf(partition)) ?? []).filter(({ to }) => to > after);
      const chunks = behind.filter(({ bytes }) => {
        before += bytes.length;
        return before - bytes.length < pageBytes;
      });
      return { chunks, more: chunks.length < behind.length };
    });
  }

  async readBuckets(query: BucketQuery, signal: AbortSignal): Promise<readonly Bucket[]> {
    assertBucketQuery(query);
    return await this.#call('read buckets', signal, () => bucketsOf(this.#all(), query));
  }

  countPoints(signal: AbortSignal): Promise<number> {
    return this.#call('count', signal, () => this.#all().length);
  }

  async readOffsets(query: OffsetsQuery, signal: AbortSignal): Promise<readonly number[]> {
    assertOffsetsQuery(query);
    const { topicId, partition, window, fromOffset, toOffset } = query;
    return await this.#call('read offsets', signal, () =>
      (this.#options.series.points.get(placeOf({ topicId, partition })) ?? [])
        .filter(({ offset, timeMs }) => offset >= fromOffset && offset < toOffset && timeMs >= window.fromMs && timeMs < window.toMs)
        .map(({ offset }) => offset)
        .sort((one, other) => one - other),
    );
  }

  readRetention(signal: AbortSignal): Promise<number | undefined> {
    return this.#call('read the retention', signal, () => this.#options.retentionMs);
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#call('probe', signal, () => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  get #isTransactional(): boolean {
    return this.#options.exactlyOnce === 'transactional';
  }

  #writeFenced(batch: SeriesBatch): WriteOutcome {
    const { progress, repeats } = this.#options.series;
    const key = keyOf(batch.partition);
    const next = progress.get(key) ?? 0;
    if (next !== batch.from || !progress.has(key)) return { outcome: 'fenced', next };
    const refused = this.#refused(batch);
    if (refused.length > 0) return { outcome: 'refused', refused };
    progress.set(key, batch.to);
    const { chunk = new Uint8Array(), forgetThrough = 0 } = batch.repeats ?? {};
    const kept = (repeats.get(key) ?? []).filter(({ to }) => to > forgetThrough);
    repeats.set(key, chunk.length === 0 ? kept : [...kept, { to: batch.to, bytes: Uint8Array.from(chunk) }]);
    return this.#put(batch);
  }

  #refused({ points }: SeriesBatch): RefusedPoint[] {
    return points.flatMap((point, index) => {
      const refusal = this.#options.refuse(point);
      return refusal ? [{ index, ...refusal }] : [];
    });
  }

  #put(batch: SeriesBatch): WriteOutcome {
    const { series, refuse } = this.#options;
    const place = placeOf(batch.partition);
    const refused = this.#refused(batch);
    const taken = batch.points.filter((point) => !refuse(point));
    const offsets = new Set(taken.map(({ offset }) => offset));
    const before = (series.points.get(place) ?? []).filter(({ offset }) => this.#isTransactional || !offsets.has(offset));
    series.points.set(place, [...before, ...taken]);
    return { outcome: 'stored', refused };
  }

  #all(): SeriesPoint[] {
    return [...this.#options.series.points.values()].flat();
  }

  async #call<T>(what: string, signal: AbortSignal, act: () => T): Promise<T> {
    signal.throwIfAborted();
    await this.#options.step(what, signal);
    const result = act();
    await this.#options.step(`${what}: told`, signal);
    return result;
  }
}

export const placeOf = ({ topicId, partition }: Omit<LogPartition, 'route'>): string => `${topicId}/${partition}`;
const keyOf = (partition: LogPartition): string => `${partition.route}/${placeOf(partition)}`;

function bucketsOf(points: readonly SeriesPoint[], { window, stepMs, fn }: BucketQuery): Bucket[] {
  const within = points.filter(({ timeMs }) => timeMs >= window.fromMs && timeMs < window.toMs);
  const byStart = Map.groupBy(within, ({ timeMs }) => Math.floor(timeMs / stepMs) * stepMs);
  return [...byStart]
    .sort(([one], [other]) => one - other)
    .map(([startMs, inside]) => {
      const amounts = inside.map(({ amount }) => amount);
      const sum = () => amounts.reduce((total, amount) => total + amount / 2 ** 64, 0);
      const values = {
        count: amounts.length,
        sum: sum() * 2 ** 64,
        avg: (sum() / amounts.length) * 2 ** 64,
        min: Math.min(...amounts),
        max: Math.max(...amounts),
      };
      return { startMs, count: amounts.length, value: values[fn] };
    });
}
