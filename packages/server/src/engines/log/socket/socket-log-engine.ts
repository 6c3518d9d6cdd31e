import type { z } from 'zod';
import { AppError, isAppError } from '../../../kernel/errors/app-error.ts';
import { LinkClient, type LinkClientOptions } from '../../../kernel/link/link-client.ts';
import type { LinkAnswer } from '../../../kernel/link/link-connection.ts';
import { assertPartition, assertTopicSpec, checkedBytes } from '../assert-log.ts';
import {
  type AppendBatch,
  type Appended,
  type GroupOffset,
  type JoinOptions,
  type LogBatch,
  type LogConsumer,
  type LogEngine,
  type LogRecord,
  type LogTopic,
  maxAtomicBytes,
  type OffsetRange,
  type ReadQuery,
  type TopicSpec,
} from '../log-engine.ts';
import { encodedBytes, encodeRecords } from '../record-codec.ts';
import { type LogQuestion, logAnswers, logEvent, logPort } from './log-questions.ts';
import { SocketConsumer } from './socket-consumer.ts';
import { decodeStored } from './stored-records.ts';

/**
 * The log of the process that holds the data folder, over its engine socket. While that does not answer everything is `logUnavailable`;
 * an append that was under way when the connection was lost is `logInDoubt`.
 */
export class SocketLogEngine implements LogEngine {
  readonly #link: LinkClient;
  readonly #consumers: Map<number, SocketConsumer>;
  readonly #options: Pick<LinkClientOptions, 'clock'>;
  #lastConsumer = 0;

  private constructor(link: LinkClient, consumers: Map<number, SocketConsumer>, options: Pick<LinkClientOptions, 'clock'>) {
    this.#link = link;
    this.#consumers = consumers;
    this.#options = options;
  }

  /** `ownerUnavailable` where nobody serves the socket for the time of the retry, `forbidden` where the token is another. */
  static async open(options: Omit<LinkClientOptions, 'onEvent' | 'onLost'>): Promise<SocketLogEngine> {
    const consumers = new Map<number, SocketConsumer>();
    const link = await LinkClient.open({
      ...options,
      onEvent: (_port, given) => {
        const event = logEvent.parse(given);
        consumers.get(event.consumer)?.receive(event);
      },
      onLost: () => {
        for (const consumer of consumers.values()) consumer.lost();
      },
    });
    return new SocketLogEngine(link, consumers, options);
  }

  async ensureTopic(spec: TopicSpec): Promise<LogTopic> {
    assertTopicSpec(spec);
    return await this.#value({ type: 'ensureTopic', spec }, logAnswers.ensureTopic);
  }

  async topic(name: string): Promise<LogTopic | undefined> {
    return (await this.#value({ type: 'topic', name }, logAnswers.topic)) ?? undefined;
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#ask({ type: 'deleteTopic', name });
  }

  async offsets(topic: LogTopic): Promise<readonly OffsetRange[]> {
    return await this.#value({ type: 'offsets', topic }, logAnswers.offsets);
  }

  /** A batch over `maxAtomicBytes` goes in pieces. */
  async append(batch: AppendBatch): Promise<Appended> {
    checkedBytes(batch);
    if (!this.#link.isConnected) throw new AppError('logUnavailable', 'The process that holds the log does not answer; it is looked for.');
    const pieces = piecesOf(batch.records).map((records) => this.#appendPiece(batch, records));
    const settled = await Promise.allSettled(pieces);
    const failed = settled.find((one) => one.status === 'rejected');
    const [first] = settled;
    if (failed === undefined && first?.status === 'fulfilled') return first.value;
    const error: unknown = failed?.reason;
    const isDone = settled.some((one) => one.status === 'fulfilled');
    if (!isDone && !isAppError(error, 'ownerUnavailable')) throw error;
    throw new AppError('logInDoubt', 'Not all of the records were acknowledged by the process that holds the log.', { cause: error });
  }

  async read(query: ReadQuery): Promise<LogBatch> {
    const { signal, topic, partition, offset, maxRecords, maxBytes, waitMs } = query;
    assertPartition(topic, partition);
    const question: LogQuestion = { type: 'read', topic, partition, offset, maxRecords, maxBytes, waitMs };
    const { answer, bytes } = await this.#ask(question, signal);
    const { count, ...batch } = logAnswers.read.parse(answer);
    return { ...batch, records: decodeStored(bytes, count) };
  }

  async join(options: JoinOptions): Promise<LogConsumer> {
    this.#lastConsumer += 1;
    const consumer = this.#lastConsumer;
    const join = async () => void (await this.#ask({ type: 'join', consumer, ...options, topics: [...options.topics] }));
    const member = new SocketConsumer({
      join,
      leave: async () => {
        this.#consumers.delete(consumer);
        // Without a connection there is no membership.
        if (this.#link.isConnected) await this.#ask({ type: 'leave', consumer }).catch(unlessLost);
      },
      read: (query) => this.read(query),
      commit: (handle, offset) => this.#value({ type: 'commit', consumer, handle, offset }, logAnswers.commit),
      connected: () => this.#link.connected(),
      clock: this.#options.clock,
    });
    this.#consumers.set(consumer, member);
    try {
      await join();
      return member;
    } catch (error) {
      await member[Symbol.asyncDispose]();
      throw error;
    }
  }

  async groupOffsets(group: string, topic: LogTopic): Promise<readonly GroupOffset[]> {
    return await this.#value({ type: 'groupOffsets', group, topic }, logAnswers.groupOffsets);
  }

  /** Leaves every group and ends every wait. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const consumer of [...this.#consumers.values()]) await consumer[Symbol.asyncDispose]();
    await this.#link[Symbol.asyncDispose]();
  }

  async #appendPiece({ topic, partition }: AppendBatch, records: readonly LogRecord[]): Promise<Appended> {
    const bytes = encodeRecords(records);
    const question = { type: 'append', topic, partition, count: records.length } satisfies LogQuestion;
    const { answer } = await this.#link.ask({ port: logPort, question, bytes });
    return logAnswers.append.parse(answer);
  }

  async #value<Schema extends z.ZodType>(question: LogQuestion, schema: Schema): Promise<z.output<Schema>> {
    const { answer } = await this.#ask(question);
    return schema.parse(answer);
  }

  async #ask(question: LogQuestion, signal?: AbortSignal): Promise<LinkAnswer> {
    try {
      return await this.#link.ask({ port: logPort, question, signal });
    } catch (error) {
      if (!isAppError(error, 'ownerUnavailable')) throw error;
      throw new AppError('logUnavailable', error.message, { cause: error });
    }
  }
}

/** In order, each of at most `maxAtomicBytes`; one without records for none. */
function piecesOf(records: readonly LogRecord[]): (readonly LogRecord[])[] {
  const pieces: (readonly LogRecord[])[] = [];
  let from = 0;
  let bytes = 0;
  records.forEach((record, index) => {
    const size = encodedBytes(record);
    if (index > from && bytes + size > maxAtomicBytes) {
      pieces.push(records.slice(from, index));
      from = index;
      bytes = 0;
    }
    bytes += size;
  });
  return [...pieces, records.slice(from)];
}

function unlessLost(error: unknown): void {
  if (!isAppError(error, 'logUnavailable')) throw error;
}
