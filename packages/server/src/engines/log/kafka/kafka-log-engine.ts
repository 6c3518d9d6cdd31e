import { FetchIsolationLevels, ListOffsetTimestamps } from '@platformatic/kafka';
import { Backoff } from '../../../kernel/async/backoff.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import { AppError, isAppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
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
import { encodedBytes } from '../record-codec.ts';
import { type KafkaClientOptions, KafkaCluster } from './kafka-cluster.ts';
import { KafkaConsumer } from './kafka-consumer.ts';
import { logErrorOf, troubleOf } from './kafka-errors.ts';
import { PartitionReader } from './partition-reader.ts';
import { PartitionWriter, type WriterPiece } from './partition-writer.ts';

export interface KafkaLogOptions {
  readonly client: KafkaClientOptions;
  readonly sessionTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  /** Of topics that are created here; -1: the cluster's default. */
  readonly replicas: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const maxWaitingBytes = 64 * 1024 * 1024;
const topicWaitMs = 10_000;
/** Connections for reads that are kept for the next ones. */
const maxIdleReaders = 8;
const knownTopicMs = 10_000;

/** The log on Apache Kafka 3.1 or later. Groups, replicas and retention are the cluster's. */
export class KafkaLogEngine implements LogEngine {
  readonly #options: KafkaLogOptions;
  readonly #cluster: KafkaCluster;
  readonly #writers = new Map<string, PartitionWriter>();
  readonly #writePool;
  readonly #idleReaders: PartitionReader[] = [];
  readonly #consumers = new Set<KafkaConsumer>();
  readonly #closed = new AbortController();
  readonly #known = new Map<string, { readonly topic: LogTopic; readonly untilMs: number }>();
  #waitingBytes = 0;
  #closing: Promise<void> | undefined;

  private constructor(options: KafkaLogOptions) {
    this.#options = options;
    this.#cluster = new KafkaCluster(options.client);
    this.#writePool = this.#cluster.openPool();
  }

  /** `logUnavailable` where no broker answers, `logDenied` where they refuse. */
  static async open(options: KafkaLogOptions): Promise<KafkaLogEngine> {
    const engine = new KafkaLogEngine(options);
    try {
      await engine.#cluster.probe();
      return engine;
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
  }

  async ensureTopic(spec: TopicSpec): Promise<LogTopic> {
    this.#assertOpen();
    assertTopicSpec(spec);
    const existing = await this.#cluster.topic(spec.name);
    if (existing !== undefined) return existing;
    await this.#create(spec);
    return this.#awaitTopic(spec.name);
  }

  async topic(name: string): Promise<LogTopic | undefined> {
    this.#assertOpen();
    return this.#cluster.topic(name);
  }

  async deleteTopic(name: string): Promise<void> {
    this.#assertOpen();
    this.#known.delete(name);
    try {
      await this.#cluster.admin.deleteTopics({ topics: [name] });
    } catch (error) {
      const failure = logErrorOf(error, `delete the topic ${name}`);
      if (failure.code !== 'logTopicNotFound') throw failure;
    }
    const until = this.#options.clock.monotonic() + topicWaitMs;
    while ((await this.#cluster.topic(name)) !== undefined && this.#options.clock.monotonic() < until) await sleep(50, this.#closed.signal);
  }

  async offsets(topic: LogTopic): Promise<readonly OffsetRange[]> {
    this.#assertOpen();
    await this.#assertSame(topic);
    const [begins, ends] = await Promise.all([
      this.#listOffsets(topic, ListOffsetTimestamps.EARLIEST),
      this.#listOffsets(topic, ListOffsetTimestamps.LATEST),
    ]);
    return Array.from({ length: topic.partitions }, (_, partition) => ({ begin: begins[partition] ?? 0, end: ends[partition] ?? 0 }));
  }

  async append(batch: AppendBatch): Promise<Appended> {
    this.#assertOpen();
    const { partition, records } = batch;
    const bytes = checkedBytes(batch);
    const topic = await this.#knownTopic(batch.topic);
    assertPartition(topic, partition);
    if (records.length === 0) return { partition, offset: (await this.offsets(topic))[partition]?.end ?? 0 };
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > maxWaitingBytes) {
      throw new AppError('overloaded', 'Too many records wait for Kafka; repeat later.');
    }
    this.#waitingBytes += bytes;
    try {
      return { partition, offset: await this.#appendPieces(this.#writer(topic, partition), piecesOf(records, bytes)) };
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  async read(query: ReadQuery): Promise<LogBatch> {
    this.#assertOpen();
    assertPartition(query.topic, query.partition);
    const reader = this.#idleReaders.pop() ?? new PartitionReader({ cluster: this.#cluster, clock: this.#options.clock });
    const ends = [this.#closed.signal, ...(query.signal === undefined ? [] : [query.signal])];
    try {
      const batch = await reader.read({ ...query, signal: AbortSignal.any(ends) });
      this.#assertOpen();
      return batch;
    } catch (error) {
      this.#assertOpen();
      throw error;
    } finally {
      // One whose answer is still to come must not be read from.
      if (query.signal?.aborted || this.#idleReaders.length >= maxIdleReaders) await reader[Symbol.asyncDispose]();
      else this.#idleReaders.push(reader);
    }
  }

  async join(options: JoinOptions): Promise<LogConsumer> {
    this.#assertOpen();
    for (const name of options.topics) {
      if ((await this.#cluster.topic(name)) === undefined) throw new AppError('logTopicNotFound', `Kafka has no topic ${name}.`);
    }
    this.#assertOpen();
    const { clock, logger, sessionTimeoutMs } = this.#options;
    const consumer = new KafkaConsumer({
      ...options,
      cluster: this.#cluster,
      clock,
      logger,
      sessionTimeoutMs,
      groupOffsets: (topic) => this.groupOffsets(options.group, topic),
      onClosed: () => this.#consumers.delete(consumer),
    });
    this.#consumers.add(consumer);
    return consumer;
  }

  async groupOffsets(group: string, topic: LogTopic): Promise<readonly GroupOffset[]> {
    this.#assertOpen();
    const ranges = await this.offsets(topic);
    const committed = await this.#committed(group, topic);
    return ranges.map(({ begin, end }, partition) => {
      const offset = committed.get(partition);
      return { begin, end, committed: offset, lag: Math.max(0, end - (offset ?? begin)) };
    });
  }

  /** Leaves the groups, waits for what is on its way to Kafka, and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.#consumers].map((consumer) => consumer[Symbol.asyncDispose]()));
    await Promise.all([...this.#writers.values()].map((writer) => writer.drain()));
    await this.#cluster[Symbol.asyncDispose]();
  }

  async #create({ name, partitions, compacted = false }: TopicSpec): Promise<void> {
    // The broker's clock stamps records: what a producer says would be believed otherwise.
    const configs = [
      { name: 'message.timestamp.type', value: 'LogAppendTime' },
      ...(compacted ? [{ name: 'cleanup.policy', value: 'compact' }] : []),
    ];
    try {
      await this.#cluster.admin.createTopics({ topics: [name], partitions, replicas: this.#options.replicas, configs });
    } catch (error) {
      if (!troubleOf(error).apiIds.has('TOPIC_ALREADY_EXISTS')) throw logErrorOf(error, `create the topic ${name}`);
    }
  }

  /** Brokers learn of a new topic one after the other. */
  async #awaitTopic(name: string): Promise<LogTopic> {
    const { clock } = this.#options;
    const backoff = new Backoff({ initialMs: 20, maxMs: 500 });
    for (const until = clock.monotonic() + topicWaitMs; ; ) {
      try {
        const topic = await this.#cluster.topic(name);
        if (topic !== undefined) {
          await this.#listOffsets(topic, ListOffsetTimestamps.LATEST);
          return topic;
        }
      } catch (error) {
        const isPassing = isAppError(error, 'logUnavailable') || isAppError(error, 'logTopicNotFound');
        if (!isPassing || clock.monotonic() >= until) throw error;
      }
      await sleep(backoff.next(), this.#closed.signal);
      this.#assertOpen();
    }
  }

  async #listOffsets({ name, partitions }: LogTopic, timestamp: bigint): Promise<number[]> {
    const asked = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp }));
    try {
      const [listed] = await this.#cluster.admin.listOffsets({
        topics: [{ name, partitions: asked }],
        isolationLevel: FetchIsolationLevels.READ_COMMITTED,
      });
      const offsets: number[] = [];
      for (const { partitionIndex, offset } of listed?.partitions ?? []) offsets[partitionIndex] = Number(offset);
      return offsets;
    } catch (error) {
      throw logErrorOf(error, `look up the offsets of ${name}`);
    }
  }

  async #committed(group: string, { name, partitions }: LogTopic): Promise<Map<number, number>> {
    const partitionIndexes = Array.from({ length: partitions }, (_, partition) => partition);
    try {
      const groups = await this.#cluster.admin.listConsumerGroupOffsets({
        groups: [{ groupId: group, topics: [{ name, partitionIndexes }] }],
      });
      const found = groups.flatMap(({ topics }) => topics.flatMap((topic) => topic.partitions));
      const known = found.filter(({ committedOffset }) => committedOffset >= 0n);
      return new Map(known.map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]));
    } catch (error) {
      throw logErrorOf(error, `look up what the group ${group} committed`);
    }
  }

  async #appendPieces(writer: PartitionWriter, pieces: readonly WriterPiece[]): Promise<number> {
    const [first, ...rest] = await Promise.allSettled(pieces.map((piece) => writer.append(piece)));
    const failed = [first, ...rest].find((outcome) => outcome?.status === 'rejected');
    if (failed?.status === 'rejected') {
      if (pieces.length === 1) throw failed.reason;
      const text = failed.reason instanceof Error ? failed.reason.message : String(failed.reason);
      throw new AppError('logInDoubt', `Only some of the records were appended, the batch is over ${maxAtomicBytes} bytes. ${text}`, {
        cause: failed.reason,
      });
    }
    return first?.status === 'fulfilled' ? first.value : 0;
  }

  #writer({ name }: LogTopic, partition: number): PartitionWriter {
    const { clock, deliveryTimeoutMs } = this.#options;
    return this.#writers.getOrInsertComputed(
      `${name}/${partition}`,
      () =>
        new PartitionWriter({
          topic: name,
          partition,
          cluster: this.#cluster,
          pool: this.#writePool,
          clock,
          deliveryTimeoutMs,
          closing: this.#closed.signal,
        }),
    );
  }

  /** For appends, which go by name. What was known once serves until it is looked up again, so that an outage does not fail appends at once. */
  async #knownTopic(name: string): Promise<LogTopic> {
    const known = this.#known.get(name);
    if (known === undefined) return this.#lookUp(name);
    if (this.#options.clock.monotonic() >= known.untilMs) {
      this.#known.set(name, { ...known, untilMs: this.#options.clock.monotonic() + knownTopicMs });
      // A topic that is gone is told by the write itself.
      this.#lookUp(name).catch(() => undefined);
    }
    return known.topic;
  }

  async #lookUp(name: string): Promise<LogTopic> {
    const topic = await this.#cluster.topic(name);
    if (topic === undefined) {
      this.#known.delete(name);
      throw new AppError('logTopicNotFound', `Kafka has no topic ${name}.`);
    }
    this.#known.set(name, { topic, untilMs: this.#options.clock.monotonic() + knownTopicMs });
    return topic;
  }

  async #assertSame({ name, id }: LogTopic): Promise<void> {
    if ((await this.#cluster.topic(name))?.id === id) return;
    throw new AppError('logTopicNotFound', `The topic ${name} with the id ${id} is not there any more.`);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new AppError('logUnavailable', 'The log is closed.');
  }
}

/** Cut where a batch would be too large for a broker. */
function piecesOf(records: readonly LogRecord[], bytes: number): WriterPiece[] {
  if (bytes <= maxAtomicBytes) return [{ records, bytes }];
  const pieces: WriterPiece[] = [];
  let from = 0;
  let size = 0;
  records.forEach((record, index) => {
    const own = encodedBytes(record);
    if (index > from && size + own > maxAtomicBytes) {
      pieces.push({ records: records.slice(from, index), bytes: size });
      from = index;
      size = 0;
    }
    size += own;
  });
  pieces.push({ records: records.slice(from), bytes: size });
  return pieces;
}
