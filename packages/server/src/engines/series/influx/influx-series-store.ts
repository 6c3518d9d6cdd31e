import { type NoteFailure, withinDeadline } from '../../../kernel/async/within-deadline.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import { assertBatch, assertBucketQuery, assertOffsetsQuery } from '../assert-series.ts';
import type {
  Bucket,
  BucketQuery,
  OffsetsQuery,
  RefusedPoint,
  RepeatsPage,
  SeriesBatch,
  SeriesCapabilities,
  SeriesPoint,
  SeriesStore,
  TimeWindow,
  WriteOutcome,
} from '../series-store.ts';
import { FluxReader } from './flux-reader.ts';
import { InfluxClient, type InfluxServer } from './influx-client.ts';
import type { InfluxReader } from './influx-reader.ts';
import { InfluxWriter } from './influx-writer.ts';
import { InfluxqlReader } from './influxql-reader.ts';
import { encodeLines, endOfTimeMs, type InfluxSchema } from './line-protocol.ts';

export interface InfluxSeriesOptions extends InfluxServer, InfluxSchema {
  /** Of 2.x. */
  readonly org: string;
  /** Of 1.x: the database, or database and retention policy with a `/` between them. */
  readonly bucket: string;
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
  readonly clock: Clock;
  readonly random: () => number;
}

/** For sums that are beyond the range of a double as they are. */
const largeDivisor = 2 ** 64;

/** A series in a measurement of InfluxDB 1.x (InfluxQL) or 2.x (Flux), or of what takes their line protocol. */
export class InfluxSeriesStore implements SeriesStore {
  readonly capabilities: SeriesCapabilities;
  readonly #options: InfluxSeriesOptions;
  readonly #writer: InfluxWriter;
  readonly #reader: InfluxReader;
  readonly #end = new AbortController();

  constructor(options: InfluxSeriesOptions) {
    const keepsAmountText = options.amountType === 'string';
    this.capabilities = { exactlyOnce: 'identity', keepsAmountText, maxTimeMs: endOfTimeMs - 1 };
    this.#options = options;
    const { api, org, bucket, measurement, amountType, tags } = options;
    const client = new InfluxClient(options);
    const schema = { measurement, amountType, tags };
    const [database = '', retentionPolicy = ''] = bucket.split('/');
    const rp = retentionPolicy === '' ? {} : { rp: retentionPolicy };
    const place =
      api === 'v2' ? { path: '/api/v2/write', parameters: { org, bucket } } : { path: '/write', parameters: { db: database, ...rp } };
    this.#writer = new InfluxWriter({ ...options, client, path: place.path, parameters: { ...place.parameters, precision: 'ns' } });
    this.#reader =
      api === 'v2' ? new FluxReader({ client, schema, org, bucket }) : new InfluxqlReader({ client, schema, database, retentionPolicy });
  }

  async ensureSchema(signal: AbortSignal): Promise<void> {
    await this.#within({ what: 'The database cannot be prepared', signal }, async (within) => {
      const found = await this.#reader.retention({ signal: within });
      if (found === undefined) await this.#reader.create({ signal: within });
    });
  }

  async readProgress(): Promise<undefined> {
    return undefined;
  }

  async write(batch: SeriesBatch, signal: AbortSignal): Promise<WriteOutcome> {
    assertBatch(batch);
    const what = `The batch at offset ${batch.from} failed`;
    return this.#within({ what, signal }, async (within, note) => {
      const fitting = batch.points.filter(isInTime);
      const lines = encodeLines(batch.partition, fitting, this.#options);
      const refused = await this.#writer.write(lines, { signal: within, note });
      if (fitting.length === batch.points.length) return { outcome: 'stored', refused };
      return { outcome: 'stored', refused: withLatePoints(batch.points, refused) };
    });
  }

  async readRepeats(): Promise<RepeatsPage> {
    return { chunks: [], more: false };
  }

  async readBuckets(query: BucketQuery, signal: AbortSignal): Promise<readonly Bucket[]> {
    assertBucketQuery(query);
    const window = withinTime(query.window);
    if (window === undefined) return [];
    return this.#within({ what: 'The buckets cannot be read', signal }, async (within) => {
      const buckets = await this.#scaled({ ...query, window }, within);
      return buckets.toSorted((a, b) => a.startMs - b.startMs);
    });
  }

  async countPoints(signal: AbortSignal): Promise<number> {
    return this.#within({ what: 'The points cannot be counted', signal }, (within) => this.#reader.count({ signal: within }));
  }

  async readOffsets(query: OffsetsQuery, signal: AbortSignal): Promise<readonly number[]> {
    assertOffsetsQuery(query);
    const window = withinTime(query.window);
    const { fromOffset, toOffset } = query;
    if (window === undefined || fromOffset === toOffset) return [];
    return this.#within({ what: 'The offsets cannot be read', signal }, async (within) => {
      const offsets = await this.#reader.offsets({ ...query, window }, { signal: within });
      return offsets.filter((offset) => offset >= fromOffset && offset < toOffset).toSorted((a, b) => a - b);
    });
  }

  async readRetention(signal: AbortSignal): Promise<number | undefined> {
    return this.#within({ what: 'The retention cannot be read', signal }, async (within) => {
      const retention = await this.#reader.retention({ signal: within });
      if (retention === undefined) throw new AppError('seriesMismatch', `InfluxDB does not know ${this.#options.bucket}.`);
      return retention === 0 ? undefined : retention;
    });
  }

  /** Also sees whether the token may read, and whether the bucket is there. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.readRetention(signal);
  }

  /** Ends what runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new AppError('seriesUnavailable', 'The series is closed.'));
  }

  /** Once more in small numbers where a sum was beyond the range of a double. */
  async #scaled(query: BucketQuery, signal: AbortSignal): Promise<readonly Bucket[]> {
    const buckets = await this.#reader.buckets(query, { signal, divisor: 1 });
    if (buckets !== 'infinite' && buckets.every(({ value }) => Number.isFinite(value))) return buckets;
    const small = await this.#reader.buckets(query, { signal, divisor: largeDivisor });
    if (small === 'infinite') throw new AppError('seriesUnavailable', 'InfluxDB cannot say what a sum is.');
    return small.map((bucket) => ({ ...bucket, value: bucket.value * largeDivisor }));
  }

  async #within<T>(
    { what, signal }: { readonly what: string; readonly signal: AbortSignal },
    work: (signal: AbortSignal, note: NoteFailure) => Promise<T>,
  ): Promise<T> {
    this.#end.signal.throwIfAborted();
    const { timeoutMs, startTimer } = this.#options;
    return withinDeadline(
      { what, code: 'seriesUnavailable', timeoutMs, startTimer, signal: AbortSignal.any([signal, this.#end.signal]) },
      work,
    );
  }
}

function isInTime({ timeMs }: SeriesPoint): boolean {
  return timeMs < endOfTimeMs;
}

/** The refused points by their place among all points, with those that were not sent: some servers take a time past the end for another. */
function withLatePoints(points: readonly SeriesPoint[], refused: readonly RefusedPoint[]): RefusedPoint[] {
  const places = points.flatMap((point, index) => (isInTime(point) ? [index] : []));
  const sent = refused.map((one) => ({ ...one, index: places[one.index] ?? one.index }));
  const text = 'InfluxDB has no times from 2262-04-11T23:47:16.854Z on';
  const late = points.flatMap((point, index) => (isInTime(point) ? [] : [{ index, reason: 'rejected' as const, text }]));
  return [...sent, ...late].toSorted((a, b) => a.index - b.index);
}

/** The part of the window that InfluxDB has times for; undefined where that is empty. */
function withinTime({ fromMs, toMs }: TimeWindow): TimeWindow | undefined {
  const end = Math.min(toMs, endOfTimeMs);
  return fromMs < end ? { fromMs, toMs: end } : undefined;
}
