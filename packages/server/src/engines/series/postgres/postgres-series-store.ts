import type { PoolClient } from 'pg';
import { withinDeadline } from '../../../kernel/async/within-deadline.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import { assertBatch, assertBucketQuery, assertOffsetsQuery, assertPartition } from '../assert-series.ts';
import {
  type Bucket,
  type BucketQuery,
  type LogPartition,
  maxEventTimeMs,
  type OffsetsQuery,
  type RepeatsPage,
  type RepeatsQuery,
  type SeriesBatch,
  type SeriesCapabilities,
  type SeriesProgress,
  type SeriesStore,
  type WriteOutcome,
} from '../series-store.ts';
import { bucketAggregate, bucketsOf } from '../sql-buckets.ts';
import { repeatsPage, repeatsPageSql } from '../sql-repeats.ts';
import { ensureTables, type TimescaleMode } from './ensure-tables.ts';
import { PostgresConnections, type PostgresServer } from './postgres-connections.ts';
import { type SeriesTables, seriesTables } from './series-tables.ts';
import { keyOf, nextOf, storeBatch } from './store-batch.ts';

export interface PostgresSeriesOptions extends PostgresServer {
  /** Of the points; the tables of progress and repeats are named after it. */
  readonly table: string;
  readonly timescale: TimescaleMode;
  readonly maxConnections: number;
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** A series in PostgreSQL from 14 on: a plain table, or a hypertable where TimescaleDB is there. */
export class PostgresSeriesStore implements SeriesStore {
  readonly capabilities: SeriesCapabilities = { exactlyOnce: 'transactional', keepsAmountText: false, maxTimeMs: maxEventTimeMs };
  readonly #options: PostgresSeriesOptions;
  readonly #tables: SeriesTables;
  readonly #connections: PostgresConnections;
  readonly #end = new AbortController();

  private constructor(options: PostgresSeriesOptions, connections: PostgresConnections) {
    this.#options = options;
    this.#tables = seriesTables(options.table);
    this.#connections = connections;
  }

  static async open(options: PostgresSeriesOptions): Promise<PostgresSeriesStore> {
    return new PostgresSeriesStore(options, await PostgresConnections.open({ server: options, ...options }));
  }

  async ensureSchema(signal: AbortSignal): Promise<void> {
    await this.#use({ what: 'The tables of the series cannot be prepared', signal }, (client) => ensureTables(client, this.#options));
  }

  async readProgress(partition: LogPartition, signal: AbortSignal): Promise<SeriesProgress> {
    assertPartition(partition);
    return this.#use({ what: 'The progress cannot be read', signal }, async (client) => {
      const insert = `INSERT INTO ${this.#tables.progress} VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING`;
      const next = await nextOf(client, this.#tables, partition);
      if (next !== undefined) return { next, isNew: false };
      const inserted = await client.query(insert, keyOf(partition));
      return { next: (await nextOf(client, this.#tables, partition)) ?? 0, isNew: inserted.rowCount === 1 };
    });
  }

  async write(batch: SeriesBatch, signal: AbortSignal): Promise<WriteOutcome> {
    assertBatch(batch);
    return this.#use({ what: `The batch at offset ${batch.from} failed`, signal }, (client) => storeBatch(client, this.#tables, batch));
  }

  async readRepeats({ partition, after }: RepeatsQuery, signal: AbortSignal): Promise<RepeatsPage> {
    assertPartition(partition);
    const values = [...keyOf(partition), after];
    const rows = await this.#query({ what: 'The repeats cannot be read', signal }, repeatsPageSql(this.#tables.repeats), values);
    return repeatsPage(rows.map(([to, chunk]) => [to, chunk instanceof Uint8Array ? chunk : new Uint8Array()]));
  }

  async readBuckets(query: BucketQuery, signal: AbortSignal): Promise<readonly Bucket[]> {
    assertBucketQuery(query);
    const { window, stepMs, fn } = query;
    const rows = await this.#query(
      { what: 'The buckets cannot be read', signal },
      `SELECT extract(epoch FROM start) * 1000, n, found FROM (
         SELECT date_bin($1::float8 * interval '1 millisecond', time, 'epoch') AS start, count(*) AS n, ${bucketAggregate(fn)} AS found
         FROM ${this.#tables.events} WHERE time >= ${instant('$2')} AND time < ${instant('$3')} GROUP BY start) AS buckets ORDER BY start`,
      [stepMs, window.fromMs, window.toMs],
    );
    return bucketsOf(fn, rows);
  }

  async countPoints(signal: AbortSignal): Promise<number> {
    const rows = await this.#query({ what: 'The points cannot be counted', signal }, `SELECT count(*) FROM ${this.#tables.events}`, []);
    return Number(rows[0]?.[0]);
  }

  async readOffsets(query: OffsetsQuery, signal: AbortSignal): Promise<readonly number[]> {
    assertOffsetsQuery(query);
    const { topicId, partition, window, fromOffset, toOffset } = query;
    const rows = await this.#query(
      { what: 'The offsets cannot be read', signal },
      `SELECT kafka_offset FROM ${this.#tables.events} WHERE time >= ${instant('$1')} AND time < ${instant('$2')}
       AND kafka_topic_id = $3 AND kafka_partition = $4 AND kafka_offset >= $5 AND kafka_offset < $6 ORDER BY kafka_offset`,
      [window.fromMs, window.toMs, topicId, partition, fromOffset, toOffset],
    );
    return rows.map(([offset]) => Number(offset));
  }

  async readRetention(): Promise<undefined> {
    return undefined;
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#query({ what: 'PostgreSQL does not answer', signal }, 'SELECT 1', []);
  }

  /** Closes the connections; what runs on them leaves nothing, but for a commit that was under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new AppError('seriesUnavailable', 'The series is closed.'));
    await this.#connections[Symbol.asyncDispose]();
  }

  async #query(call: Call, text: string, values: unknown[]): Promise<unknown[][]> {
    return this.#use(call, async (client) => (await client.query<unknown[]>({ text, values, rowMode: 'array' })).rows);
  }

  async #use<T>({ what, signal }: Call, work: (client: PoolClient) => Promise<T>): Promise<T> {
    this.#end.signal.throwIfAborted();
    const { timeoutMs, startTimer } = this.#options;
    return withinDeadline(
      { what, code: 'seriesUnavailable', timeoutMs, startTimer, signal: AbortSignal.any([signal, this.#end.signal]) },
      (within) => this.#connections.use({ what, signal: within }, work),
    );
  }
}

interface Call {
  /** Begins the message of an error. */
  readonly what: string;
  readonly signal: AbortSignal;
}

/** The parameter, in milliseconds since 1970, as a time. Exact: an interval has whole microseconds. */
function instant(parameter: string): string {
  return `(timestamptz 'epoch' + ${parameter}::float8 * interval '1 millisecond')`;
}
