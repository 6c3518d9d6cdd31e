import { z } from 'zod';
import { decodeJson } from '../../../kernel/codec/json.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Bucket, BucketFunction, BucketQuery, OffsetsQuery, TimeWindow } from '../series-store.ts';
import { csvRecords, csvRows } from './csv-rows.ts';
import { type InfluxClient, refused } from './influx-client.ts';
import { type BucketReading, groupsOf, type InfluxReader, type Reading } from './influx-reader.ts';
import { nanosecondsOf } from './influx-time.ts';
import { endOfTimeMs, type InfluxSchema, offsetsPerGroup, topicTag, valueField } from './line-protocol.ts';

interface FluxReaderOptions {
  readonly client: InfluxClient;
  readonly schema: InfluxSchema;
  readonly org: string;
  readonly bucket: string;
}

const functions: Readonly<Record<BucketFunction, string>> = { count: 'count', sum: 'sum', avg: 'mean', min: 'min', max: 'max' };
const bucketsSchema = z.object({
  buckets: z.array(z.object({ name: z.string(), retentionRules: z.array(z.object({ everySeconds: z.number() })).optional() })),
});

/** Flux of 2.x, with its answers in CSV. */
export class FluxReader implements InfluxReader {
  readonly #options: FluxReaderOptions;

  constructor(options: FluxReaderOptions) {
    this.#options = options;
  }

  async buckets({ window, stepMs, fn }: BucketQuery, { signal, divisor }: BucketReading): Promise<readonly Bucket[]> {
    const every = (name: string): string => `aggregateWindow(every: ${stepMs}ms, fn: ${name}, createEmpty: false, timeSrc: "_start")`;
    const smaller = divisor === 1 ? [] : [`map(fn: (r) => ({r with _value: r._value / ${divisor}.0}))`];
    const ofFunction = this.#from(window, [
      this.#field(valueField(this.#options.schema)),
      'group()',
      ...smaller,
      every(functions[fn]),
      'yield(name: "found")',
    ]);
    const tables = await this.#query(
      [this.#from(window, [this.#field('amount'), 'group()', every('count'), 'yield(name: "n")']), ...(fn === 'count' ? [] : [ofFunction])],
      signal,
    );
    const counted = tables.filter(({ result }) => result === 'n');
    const found = new Map(tables.flatMap(({ result, _time = '', _value = '' }) => (result === 'found' ? [[_time, Number(_value)]] : [])));
    return counted.map(({ _time = '', _value }) => {
      const count = Number(_value);
      return { startMs: Math.floor(Date.parse(_time) / stepMs) * stepMs, count, value: fn === 'count' ? count : (found.get(_time) ?? 0) };
    });
  }

  async count({ signal }: Reading): Promise<number> {
    const all = { fromMs: 0, toMs: endOfTimeMs };
    const [record] = await this.#query([this.#from(all, [this.#field('amount'), 'group()', 'count()'])], signal);
    return Number(record?.['_value'] ?? 0);
  }

  async offsets(query: OffsetsQuery, { signal }: Reading): Promise<readonly number[]> {
    const groups = groupsOf(query, offsetsPerGroup).map((group) => `r.g == "${group}"`);
    const tagged = `r.t == "${topicTag(query.topicId)}" and r.p == "${query.partition}" and (${groups.join(' or ')})`;
    const place = this.#options.schema.tags === 'off' ? 'not exists r.t' : tagged;
    const steps = [this.#field('amount'), `filter(fn: (r) => ${place})`, 'keep(columns: ["_time", "g"])'];
    const records = await this.#query([this.#from(query.window, steps)], signal);
    return records.map(({ _time = '', g }) => Number(g ?? 0) * offsetsPerGroup + nanosecondsOf(_time));
  }

  async retention({ signal }: Reading): Promise<number | undefined> {
    const { client, org, bucket } = this.#options;
    const answer = await client.request({ method: 'GET', path: '/api/v2/buckets', parameters: { org, name: bucket }, signal });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw refused(answer);
    const found = decodeJson(answer.text, { schema: bucketsSchema, what: 'The answer of InfluxDB', code: 'seriesUnavailable' });
    const one = found.buckets.find(({ name }) => name === bucket);
    return one === undefined ? undefined : 1000 * Math.max(0, ...(one.retentionRules ?? []).map(({ everySeconds }) => everySeconds));
  }

  /** Needs the ids of organisation and rights that a token for points should not have. */
  async create(): Promise<void> {
    throw new AppError('seriesMismatch', `InfluxDB has no bucket ${this.#options.bucket}, or hides it from the token: create it.`);
  }

  #field(name: string): string {
    return `filter(fn: (r) => r._measurement == ${fluxText(this.#options.schema.measurement)} and r._field == ${fluxText(name)})`;
  }

  #from({ fromMs, toMs }: TimeWindow, steps: readonly string[]): string {
    const range = `range(start: ${new Date(fromMs).toISOString()}, stop: ${new Date(toMs).toISOString()})`;
    return [`from(bucket: ${fluxText(this.#options.bucket)})`, range, ...steps].join(' |> ');
  }

  async #query(expressions: readonly string[], signal: AbortSignal): Promise<Record<string, string>[]> {
    const text = await this.#options.client.ask({
      method: 'POST',
      path: '/api/v2/query',
      parameters: { org: this.#options.org },
      headers: { Accept: 'application/csv', 'Content-Type': 'application/vnd.flux' },
      body: expressions.join('\n'),
      signal,
    });
    // Tables with other columns begin behind an empty line, with a first row of their own.
    const records = text.split(/\r?\n\r?\n/).flatMap((part) => csvRecords(csvRows(part)));
    const failure = records.find((record) => 'error' in record);
    if (failure !== undefined) throw new AppError('seriesUnavailable', `InfluxDB has ended the query: ${failure['error']}.`);
    return records;
  }
}

/** A text of Flux; `${` would begin an expression. */
function fluxText(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('${', '\\${')}"`;
}
