import type { z } from 'zod';
import { type Deadline, withinDeadline } from '../../../kernel/async/within-deadline.ts';
import { LinkClient, type LinkClientOptions } from '../../../kernel/link/link-client.ts';
import type { LinkAnswer } from '../../../kernel/link/link-connection.ts';
import { LinkPort } from '../../../kernel/link/link-port.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import { assertBatch, assertBucketQuery, assertOffsetsQuery, assertPartition } from '../assert-series.ts';
import { embeddedCapabilities } from '../embedded-capabilities.ts';
import { seriesPort } from '../series-config.ts';
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
import { decodeOffsets, decodeRows, encodeRows } from './number-rows.ts';
import { type SeriesQuestion, seriesAnswers } from './series-questions.ts';

interface SocketSeriesOptions extends Omit<LinkClientOptions, 'onEvent' | 'onLost'> {
  readonly series: string;
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
}

interface Ask {
  readonly question: SeriesQuestion;
  readonly bytes?: Uint8Array;
  readonly signal: AbortSignal;
}

/**
 * An embedded series of the process that holds the data folder, over its engine socket. While that does not answer everything is
 * `seriesUnavailable`; a write that was under way when the connection was lost is in doubt, as the port allows.
 */
export class SocketSeriesStore implements SeriesStore {
  readonly capabilities = embeddedCapabilities;
  readonly #link: LinkClient;
  readonly #port: LinkPort<SeriesQuestion>;
  readonly #deadline: Omit<Deadline, 'signal'>;

  private constructor(link: LinkClient, options: SocketSeriesOptions) {
    this.#link = link;
    this.#port = new LinkPort(link, { port: seriesPort(options.series), lostCode: 'seriesUnavailable' });
    const { series, timeoutMs, startTimer } = options;
    const what = `Series ${series} of the process that holds the data folder`;
    this.#deadline = { what, code: 'seriesUnavailable', timeoutMs, startTimer };
  }

  /** `ownerUnavailable` where nobody serves the socket for the time of the retry, `forbidden` where the token is another. */
  static async open(options: SocketSeriesOptions): Promise<SocketSeriesStore> {
    return new SocketSeriesStore(await LinkClient.open({ ...options, onEvent: () => {}, onLost: () => {} }), options);
  }

  async ensureSchema(signal: AbortSignal): Promise<void> {
    await this.#ask({ question: { type: 'ensureSchema' }, signal });
  }

  async readProgress(partition: LogPartition, signal: AbortSignal): Promise<SeriesProgress | undefined> {
    assertPartition(partition);
    return (await this.#value(seriesAnswers.readProgress, { question: { type: 'readProgress', partition }, signal })) ?? undefined;
  }

  async write(batch: SeriesBatch, signal: AbortSignal): Promise<WriteOutcome> {
    assertBatch(batch);
    const { partition, from, to, points, repeats } = batch;
    const { chunk = new Uint8Array(), forgetThrough } = repeats ?? {};
    const rows = encodeRows(points, ({ offset, timeMs, amount }) => [offset, timeMs, amount]);
    const question = { type: 'write', partition, from, to, count: points.length, forgetThrough } satisfies SeriesQuestion;
    return await this.#value(seriesAnswers.write, { question, bytes: Buffer.concat([rows, chunk]), signal });
  }

  async readRepeats({ partition, after }: RepeatsQuery, signal: AbortSignal): Promise<RepeatsPage> {
    assertPartition(partition);
    const { answer, bytes } = await this.#ask({ question: { type: 'readRepeats', partition, after }, signal });
    const { chunks, more } = seriesAnswers.readRepeats.parse(answer);
    let end = 0;
    const cut = (length: number) => {
      end += length;
      return bytes.subarray(end - length, end);
    };
    return { chunks: chunks.map(({ to, length }) => ({ to, bytes: cut(length) })), more };
  }

  async readBuckets(query: BucketQuery, signal: AbortSignal): Promise<readonly Bucket[]> {
    assertBucketQuery(query);
    const { answer, bytes } = await this.#ask({ question: { type: 'readBuckets', ...query }, signal });
    const { count } = seriesAnswers.readBuckets.parse(answer);
    return decodeRows(bytes, { count, toValue: ([startMs, points, value]) => ({ startMs, count: points, value }) });
  }

  async countPoints(signal: AbortSignal): Promise<number> {
    return await this.#value(seriesAnswers.countPoints, { question: { type: 'countPoints' }, signal });
  }

  async readOffsets(query: OffsetsQuery, signal: AbortSignal): Promise<readonly number[]> {
    assertOffsetsQuery(query);
    const { bytes } = await this.#ask({ question: { type: 'readOffsets', ...query }, signal });
    return decodeOffsets(bytes, query.fromOffset);
  }

  async readRetention(signal: AbortSignal): Promise<number | undefined> {
    return (await this.#value(seriesAnswers.readRetention, { question: { type: 'readRetention' }, signal })) ?? undefined;
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#ask({ question: { type: 'probe' }, signal });
  }

  /** What is under way fails. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
  }

  async #value<Schema extends z.ZodType>(schema: Schema, ask: Ask): Promise<z.output<Schema>> {
    const { answer } = await this.#ask(ask);
    return schema.parse(answer);
  }

  async #ask({ question, bytes, signal }: Ask): Promise<LinkAnswer> {
    return await withinDeadline({ ...this.#deadline, signal }, (end) => this.#port.ask(question, { ...(bytes && { bytes }), signal: end }));
  }
}
