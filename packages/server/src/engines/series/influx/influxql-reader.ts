import { z } from 'zod';
import { parseDuration } from '../../../kernel/codec/duration.ts';
import { decodeJson } from '../../../kernel/codec/json.ts';
import { quoteName } from '../../../kernel/codec/sql-text.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Bucket, BucketFunction, BucketQuery, OffsetsQuery, TimeWindow } from '../series-store.ts';
import type { InfluxClient } from './influx-client.ts';
import { type BucketReading, groupsOf, type InfluxReader, type Reading } from './influx-reader.ts';
import { nanosecondsOf } from './influx-time.ts';
import { type InfluxSchema, offsetsPerGroup, topicTag, valueField } from './line-protocol.ts';

interface InfluxqlReaderOptions {
  readonly client: InfluxClient;
  readonly schema: InfluxSchema;
  readonly database: string;
  /** Empty: the database's default. */
  readonly retentionPolicy: string;
}

const functions: Readonly<Record<BucketFunction, string>> = { count: 'count', sum: 'sum', avg: 'mean', min: 'min', max: 'max' };
const answerSchema = z.object({
  results: z.array(
    z.object({
      error: z.string().optional(),
      series: z.array(z.object({ columns: z.array(z.string()), values: z.array(z.array(z.unknown())) })).optional(),
    }),
  ),
});
/** What 1.x says in place of an answer that has an infinite number, which JSON has not. */
const hasInfinity = /^json: .*unsupported value/;

/**
 * InfluxQL of 1.x. Answers are asked for as JSON with times as text: times as numbers lose their nanoseconds, and in CSV the error of
 * a statement looks like an answer without rows.
 */
export class InfluxqlReader implements InfluxReader {
  readonly #options: InfluxqlReaderOptions;

  constructor(options: InfluxqlReaderOptions) {
    this.#options = options;
  }

  async buckets({ window, stepMs, fn }: BucketQuery, { signal, divisor }: BucketReading): Promise<readonly Bucket[] | 'infinite'> {
    const value = `"${valueField(this.#options.schema)}"`;
    const found = fn === 'count' ? '' : `, ${functions[fn]}(${divisor === 1 ? value : '"small"'})`;
    // A subquery reads the points one by one: only for what needs it.
    const source =
      divisor === 1
        ? this.#measurement
        : `(SELECT "amount", ${value} / ${divisor}.0 AS "small" FROM ${this.#measurement} WHERE ${within(window)})`;
    const { error, rows } = await this.#query(
      `SELECT count("amount")${found} FROM ${source} WHERE ${within(window)} GROUP BY time(${stepMs}ms) fill(none)`,
      signal,
    );
    if (error !== undefined && hasInfinity.test(error)) return 'infinite';
    if (error !== undefined) throw statementError(error);
    return rows.map(([time, count, of]) => ({
      startMs: Date.parse(String(time)),
      count: Number(count),
      value: Number(fn === 'count' ? count : of),
    }));
  }

  async count({ signal }: Reading): Promise<number> {
    const [row] = await this.#select(`SELECT count("amount") FROM ${this.#measurement}`, signal);
    return Number(row?.[1] ?? 0);
  }

  async offsets(query: OffsetsQuery, { signal }: Reading): Promise<readonly number[]> {
    const groups = groupsOf(query, offsetsPerGroup).map((group) => `"g" = '${group}'`);
    const tagged = `"t" = '${topicTag(query.topicId)}' AND "p" = '${query.partition}' AND (${groups.join(' OR ')})`;
    // A tag that a point does not have is empty.
    const place = this.#options.schema.tags === 'off' ? `"t" = ''` : tagged;
    const rows = await this.#select(`SELECT "amount", "g" FROM ${this.#measurement} WHERE ${place} AND ${within(query.window)}`, signal);
    return rows.map(([time, , group]) => Number(group) * offsetsPerGroup + nanosecondsOf(String(time)));
  }

  async retention({ signal }: Reading): Promise<number | undefined> {
    const { database, retentionPolicy } = this.#options;
    const { error, columns, rows } = await this.#query(`SHOW RETENTION POLICIES ON ${quoteName(database)}`, signal);
    if (error?.startsWith('database not found')) return undefined;
    if (error !== undefined) throw statementError(error);
    const [name, duration, isDefault] = ['name', 'duration', 'default'].map((column) => columns.indexOf(column));
    const policy = rows.find((row) => (retentionPolicy === '' ? row[isDefault ?? -1] === true : row[name ?? -1] === retentionPolicy));
    if (policy === undefined) {
      throw new AppError('seriesMismatch', `The database ${database} has no retention policy "${retentionPolicy}": create it.`);
    }
    const parsed = parseDuration(String(policy[duration ?? -1]));
    return parsed.ok ? parsed.value : 0;
  }

  async create({ signal }: Reading): Promise<void> {
    const { error } = await this.#query(`CREATE DATABASE ${quoteName(this.#options.database)}`, signal);
    if (error !== undefined) throw statementError(error);
  }

  get #measurement(): string {
    const { schema, retentionPolicy } = this.#options;
    return retentionPolicy === '' ? quoteName(schema.measurement) : `${quoteName(retentionPolicy)}.${quoteName(schema.measurement)}`;
  }

  async #select(statement: string, signal: AbortSignal): Promise<Rows> {
    const { error, rows } = await this.#query(statement, signal);
    if (error !== undefined) throw statementError(error);
    return rows;
  }

  async #query(statement: string, signal: AbortSignal): Promise<StatementAnswer> {
    const text = await this.#options.client.ask({
      method: 'POST',
      path: '/query',
      parameters: { db: this.#options.database, q: statement },
      headers: { Accept: 'application/json' },
      signal,
    });
    if (hasInfinity.test(text)) return { error: text, columns: [], rows: [] };
    const [answer] = decodeJson(text, { schema: answerSchema, what: 'The answer of InfluxDB', code: 'seriesUnavailable' }).results;
    const series = answer?.series?.[0];
    return { error: answer?.error, columns: series?.columns ?? [], rows: series?.values ?? [] };
  }
}

type Rows = readonly (readonly unknown[])[];

interface StatementAnswer {
  readonly error: string | undefined;
  readonly columns: readonly string[];
  readonly rows: Rows;
}

function within({ fromMs, toMs }: TimeWindow): string {
  return `time >= ${fromMs}ms AND time < ${toMs}ms`;
}

/** What needs somebody: a missing database or right, a field of another type. The rest may pass, such as a query that was ended. */
function statementError(error: string): AppError {
  const isMismatch = /not found|not authorized|unsupported|not executed|parsing query/i.test(error);
  return new AppError(isMismatch ? 'seriesMismatch' : 'seriesUnavailable', `InfluxDB has not answered a query: ${error.slice(0, 500)}.`);
}
