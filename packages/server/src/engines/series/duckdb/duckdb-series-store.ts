import { existsSync } from 'node:fs';
import { access, constants, mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  BLOB,
  DuckDBBlobValue,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  DuckDBTimestampValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { Semaphore } from '../../../kernel/async/semaphore.ts';
import { withinDeadline } from '../../../kernel/async/within-deadline.ts';
import { assertDuckdbFolder, DuckdbFile, inTransaction } from '../../../kernel/duckdb/duckdb-file.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import { makeDirectoryDurable } from '../../../kernel/folder/durable-file.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import { assertBatch, assertBucketQuery, assertOffsetsQuery, assertPartition } from '../assert-series.ts';
import { embeddedCapabilities } from '../embedded-capabilities.ts';
import type {
  Bucket,
  BucketQuery,
  LogPartition,
  OffsetsQuery,
  RepeatsPage,
  RepeatsQuery,
  SeriesBatch,
  SeriesProgress,
  SeriesStore,
  WriteOutcome,
} from '../series-store.ts';
import { bucketAggregate, bucketsOf } from '../sql-buckets.ts';
import { repeatsPage, repeatsPageSql } from '../sql-repeats.ts';
import { microseconds, PointAppender } from './append-points.ts';
import { duckdbSeriesError } from './duckdb-series-error.ts';

export interface DuckdbSeriesOptions {
  readonly folder: string;
  readonly series: string;
  readonly memoryLimitMb: number;
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
}

const isKey = 'route = $1 AND topic_id = $2 AND partition = $3';

/**
 * A series in a DuckDB file of its own, `<folder>/<series>.duckdb`, with the tables `events`, `progress` and `repeats`.
 * One write and one query run at a time: each takes one of the four threads of libuv, which also sync the files of the other engines.
 */
export class DuckdbSeriesStore implements SeriesStore {
  readonly capabilities = embeddedCapabilities;
  readonly #options: DuckdbSeriesOptions;
  readonly #folder: string;
  readonly #file: DuckdbFile;
  readonly #appender = new PointAppender();
  /** Moves the progress of a partition; prepared once for each connection. */
  readonly #moves = new WeakMap<DuckDBConnection, DuckDBPreparedStatement>();
  readonly #end = new AbortController();
  readonly #writing = new Semaphore({ permits: 1, maxWaiting: 100 });
  readonly #reading = new Semaphore({ permits: 1, maxWaiting: 100 });
  /** The file is not there, or its tables could not be made yet. */
  #isNew: boolean;

  private constructor(options: DuckdbSeriesOptions) {
    this.#options = options;
    this.#folder = resolve(options.folder);
    this.#isNew = !existsSync(this.#path);
    this.#file = new DuckdbFile({
      file: this.#path,
      memoryLimitMb: options.memoryLimitMb,
      tempFolder: this.#tempFolder,
      readableFolders: [],
      readOnly: false,
      keepsConnections: true,
      toError: duckdbSeriesError,
      prepare: (connection) => this.#createFile(connection),
    });
  }

  static async open(options: DuckdbSeriesOptions): Promise<DuckdbSeriesStore> {
    const store = new DuckdbSeriesStore(options);
    assertDuckdbFolder(store.#folder, 'series');
    try {
      await makeDirectoryDurable(store.#folder, dirname(store.#folder));
      await rm(store.#tempFolder, { recursive: true, force: true });
      await mkdir(store.#tempFolder, { mode: 0o700 });
    } catch (error) {
      throw unusable(store.#folder, error);
    }
    return store;
  }

  /** A file that is not there is made, with its tables, by the first call that needs it: a route without events costs no database. */
  async ensureSchema(signal: AbortSignal): Promise<void> {
    await this.probe(signal);
    if (this.#isNew) return;
    await this.#write({ what: 'The tables of the series cannot be prepared', signal }, createTables);
  }

  async readProgress(partition: LogPartition, signal: AbortSignal): Promise<SeriesProgress> {
    assertPartition(partition);
    return this.#write({ what: 'The progress cannot be read', signal }, async (connection) => {
      const next = await nextOf(connection, partition);
      if (next !== undefined) return { next, isNew: false };
      await connection.run('INSERT INTO progress VALUES ($1, $2, $3, 0)', keyOf(partition));
      return { next: 0, isNew: true };
    });
  }

  async write(batch: SeriesBatch, signal: AbortSignal): Promise<WriteOutcome> {
    assertBatch(batch);
    return this.#write({ what: `The batch at offset ${batch.from} failed`, signal }, (connection) => this.#store(connection, batch));
  }

  async readRepeats({ partition, after }: RepeatsQuery, signal: AbortSignal): Promise<RepeatsPage> {
    assertPartition(partition);
    const values = [...keyOf(partition), BigInt(after)];
    const rows = await this.#query({ what: 'The repeats cannot be read', signal }, repeatsPageSql('repeats'), values);
    return repeatsPage(rows.map(([to, chunk]) => [to, chunk instanceof DuckDBBlobValue ? chunk.bytes : new Uint8Array()]));
  }

  async readBuckets(query: BucketQuery, signal: AbortSignal): Promise<readonly Bucket[]> {
    assertBucketQuery(query);
    const { window, stepMs, fn } = query;
    const rows = await this.#query(
      { what: 'The buckets cannot be read', signal },
      `SELECT epoch_ms(time) // $1 * $1 AS start, count(*), ${bucketAggregate(fn)} FROM events WHERE time >= $2 AND time < $3 GROUP BY start ORDER BY start`,
      [BigInt(stepMs), timestamp(window.fromMs), timestamp(window.toMs)],
    );
    return bucketsOf(fn, rows);
  }

  async countPoints(signal: AbortSignal): Promise<number> {
    const rows = await this.#query({ what: 'The points cannot be counted', signal }, 'SELECT count(*) FROM events', []);
    return Number(rows[0]?.[0]);
  }

  async readOffsets(query: OffsetsQuery, signal: AbortSignal): Promise<readonly number[]> {
    assertOffsetsQuery(query);
    const { topicId, partition, window, fromOffset, toOffset } = query;
    const rows = await this.#query(
      { what: 'The offsets cannot be read', signal },
      `SELECT kafka_offset FROM events WHERE time >= $1 AND time < $2 AND kafka_topic_id = $3 AND kafka_partition = $4
       AND kafka_offset >= $5 AND kafka_offset < $6 ORDER BY kafka_offset`,
      [timestamp(window.fromMs), timestamp(window.toMs), topicId, partition, BigInt(fromOffset), BigInt(toOffset)],
    );
    return rows.map(([offset]) => Number(offset));
  }

  async readRetention(): Promise<undefined> {
    return undefined;
  }

  async probe(signal: AbortSignal): Promise<void> {
    try {
      await access(this.#folder, constants.W_OK);
    } catch (error) {
      throw unusable(this.#folder, error);
    }
    if (!this.#isNew) await this.#query({ what: 'The series does not answer', signal }, 'SELECT 1', []);
  }

  /** Interrupts what runs (it leaves nothing) and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new AppError('seriesUnavailable', 'The series is closed.'));
    await this.#file[Symbol.asyncDispose]();
  }

  async #store(connection: DuckDBConnection, batch: SeriesBatch): Promise<WriteOutcome> {
    const { partition, from, to, points, repeats } = batch;
    const key = keyOf(partition);
    const move = this.#moves.get(connection) ?? (await connection.prepare(`UPDATE progress SET next = $4 WHERE ${isKey} AND next = $5`));
    this.#moves.set(connection, move);
    move.bind([...key, BigInt(to), BigInt(from)]);
    const moved = await move.run();
    if (moved.rowsChanged === 0) return { outcome: 'fenced', next: (await nextOf(connection, partition)) ?? 0 };
    if (points.length > 0) await this.#appender.append(connection, batch);
    if (repeats !== undefined && repeats.forgetThrough > 0) {
      await connection.run(`DELETE FROM repeats WHERE ${isKey} AND to_offset <= $4`, [...key, BigInt(repeats.forgetThrough)]);
    }
    if (repeats !== undefined && repeats.chunk.length > 0) {
      const chunk = new DuckDBBlobValue(repeats.chunk);
      await connection.run('INSERT INTO repeats VALUES ($1, $2, $3, $4, $5)', [...key, BigInt(to), chunk], { 5: BLOB });
    }
    return { outcome: 'stored', refused: [] };
  }

  async #createFile(connection: DuckDBConnection): Promise<void> {
    if (!this.#isNew) return;
    await inTransaction(connection, () => createTables(connection));
    this.#isNew = false;
  }

  get #path(): string {
    return join(this.#folder, `${this.#options.series}.duckdb`);
  }

  get #tempFolder(): string {
    return join(this.#folder, `${this.#options.series}.temp`);
  }

  /** Runs the work in a transaction, one after the other. An abort interrupts the work, not the commit. */
  async #write<T>(call: Call, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.#within(call, async (signal) => {
      using _permit = await this.#writing.acquire(signal);
      const result = await this.#file.use(call.what, (connection) =>
        inTransaction(connection, () => interruptible(connection, signal, () => work(connection))),
      );
      await this.#file.syncNames();
      return result;
    });
  }

  async #query(call: Call, sql: string, values: DuckDBValue[]): Promise<DuckDBValue[][]> {
    return this.#within(call, async (signal) => {
      using _permit = await this.#reading.acquire(signal);
      return this.#file.use(call.what, (connection) =>
        interruptible(connection, signal, async () => (await connection.runAndReadAll(sql, values)).getRows()),
      );
    });
  }

  async #within<T>({ what, signal }: Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#end.signal.throwIfAborted();
    const { timeoutMs, startTimer } = this.#options;
    return withinDeadline(
      { what, code: 'seriesUnavailable', timeoutMs, startTimer, signal: AbortSignal.any([signal, this.#end.signal]) },
      work,
    );
  }
}

interface Call {
  /** Begins the message of an error. */
  readonly what: string;
  readonly signal: AbortSignal;
}

async function createTables(connection: DuckDBConnection): Promise<void> {
  await connection.run(`CREATE TABLE IF NOT EXISTS events (
    time TIMESTAMP NOT NULL, amount DOUBLE NOT NULL, kafka_topic_id VARCHAR NOT NULL, kafka_partition INTEGER NOT NULL, kafka_offset BIGINT NOT NULL)`);
  await connection.run(`CREATE TABLE IF NOT EXISTS progress (
    route VARCHAR, topic_id VARCHAR, partition INTEGER, next BIGINT NOT NULL, PRIMARY KEY (route, topic_id, partition))`);
  await connection.run(`CREATE TABLE IF NOT EXISTS repeats (
    route VARCHAR NOT NULL, topic_id VARCHAR NOT NULL, partition INTEGER NOT NULL, to_offset BIGINT NOT NULL, chunk BLOB NOT NULL)`);
}

async function nextOf(connection: DuckDBConnection, partition: LogPartition): Promise<number | undefined> {
  const reader = await connection.runAndReadAll(`SELECT next FROM progress WHERE ${isKey}`, keyOf(partition));
  const next = reader.getRows()[0]?.[0];
  return next === undefined ? undefined : Number(next);
}

async function interruptible<T>(connection: DuckDBConnection, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const onAbort = (): void => connection.interrupt();
  signal.addEventListener('abort', onAbort);
  try {
    const result = await work();
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function keyOf({ route, topicId, partition }: LogPartition): [string, string, number] {
  return [route, topicId, partition];
}

function timestamp(timeMs: number): DuckDBTimestampValue {
  return new DuckDBTimestampValue(microseconds(timeMs));
}

function unusable(folder: string, error: unknown): AppError {
  return new AppError('seriesUnavailable', `The folder ${folder} cannot be used: ${errorText(error)}.`, { cause: error });
}
