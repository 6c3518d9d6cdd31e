import { assertOffset, assertPartition, assertTopicSpec, checkedBytes } from '../../src/engines/log/assert-log.ts';
import { AssignedPartitions } from '../../src/engines/log/assigned-partitions.ts';
import type {
  AppendBatch,
  Appended,
  GroupOffset,
  JoinOptions,
  LogBatch,
  LogConsumer,
  LogEngine,
  LogTopic,
  OffsetRange,
  ReadQuery,
  StoredRecord,
  TopicSpec,
} from '../../src/engines/log/log-engine.ts';
import { GroupMembers } from '../../src/engines/log/sqlite/group-members.ts';
import { PartitionTail } from '../../src/engines/log/sqlite/partition-tail.ts';
import { SqliteConsumer } from '../../src/engines/log/sqlite/sqlite-consumer.ts';
import { AppError } from '../../src/kernel/errors/app-error.ts';
import type { Clock } from '../../src/kernel/time/clock.ts';
import { type StartTimer, systemTimer } from '../../src/kernel/time/start-timer.ts';

interface MemoryTopic {
  readonly topic: LogTopic;
  readonly records: StoredRecord[][];
  readonly begins: number[];
  readonly tails: readonly PartitionTail[];
}

interface MemoryLogOptions {
  readonly clock: Clock;
  /** Awaited before and after the effect of an append, a read and a look at offsets, so that a test decides the order. */
  readonly step?: (what: string) => Promise<void>;
  readonly startTimer?: StartTimer;
}

/** A log in memory, of which nothing goes by itself. */
export class MemoryLog implements LogEngine {
  readonly #options: Required<MemoryLogOptions>;
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #groups = new Map<string, GroupMembers>();
  readonly #commits = new Map<string, number>();
  readonly #consumers = new Set<SqliteConsumer>();
  #made = 0;
  #isClosed = false;

  constructor(options: MemoryLogOptions) {
    this.#options = { step: () => Promise.resolve(), startTimer: systemTimer, ...options };
  }

  /** Opens it again after its disposal, as it was. */
  reopen(): void {
    this.#isClosed = false;
  }

  /** What came before the offset goes, as by retention. */
  trim(topic: LogTopic, partition: number, begin: number): void {
    this.#entry(topic).begins[partition] = begin;
  }

  async ensureTopic(spec: TopicSpec): Promise<LogTopic> {
    this.#assertOpen();
    assertTopicSpec(spec);
    const { name, partitions } = spec;
    const known = this.#topics.get(name);
    if (known) return known.topic;
    this.#made += 1;
    const perPartition = <T>(make: () => T) => Array.from({ length: partitions }, make);
    const topic = { name, id: `topic-${this.#made}`.padEnd(8, '-'), partitions };
    this.#topics.set(name, {
      topic,
      records: perPartition(() => []),
      begins: perPartition(() => 0),
      tails: perPartition(() => new PartitionTail(0)),
    });
    this.#rebalance();
    return topic;
  }

  async topic(name: string): Promise<LogTopic | undefined> {
    this.#assertOpen();
    return this.#topics.get(name)?.topic;
  }

  async deleteTopic(name: string): Promise<void> {
    this.#assertOpen();
    const entry = this.#topics.get(name);
    this.#topics.delete(name);
    this.#rebalance();
    for (const tail of entry?.tails ?? []) tail.wake();
  }

  async offsets(topic: LogTopic): Promise<readonly OffsetRange[]> {
    this.#assertOpen();
    await this.#options.step(`offsets of ${topic.name}`);
    const ranges = this.#ranges(topic);
    await this.#options.step(`offsets of ${topic.name} told`);
    return ranges;
  }

  async append(batch: AppendBatch): Promise<Appended> {
    this.#assertOpen();
    const { topic, partition, records } = batch;
    await this.#options.step(`append to ${topic}`);
    const entry = this.#topics.get(topic);
    if (!entry) throw new AppError('logTopicNotFound', `There is no topic ${topic}.`);
    assertPartition(entry.topic, partition);
    checkedBytes(batch);
    const log = entry.records[partition] ?? [];
    const offset = log.length;
    for (const { key, value, headers = [] } of records) {
      const kept = headers.map((header) => ({ name: header.name, value: Buffer.from(header.value) }));
      log.push({
        offset: log.length,
        timestampMs: this.#options.clock.now(),
        key: key ? Buffer.from(key) : null,
        value: value ? Buffer.from(value) : null,
        headers: kept,
      });
    }
    entry.tails[partition]?.moveTo(log.length);
    await this.#options.step(`append to ${topic} told`);
    return { partition, offset };
  }

  async read(query: ReadQuery): Promise<LogBatch> {
    const { topic, partition, offset, maxRecords, maxBytes, waitMs, signal } = query;
    await this.#options.step(`read ${topic.name}`);
    const tail = this.#tail(query);
    if (tail.end === offset) await tail.wait({ waitMs, signal, startTimer: this.#options.startTimer });
    const endOffset = this.#tail(query).end;
    const log = this.#entry(topic).records[partition] ?? [];
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (let at = offset; at < endOffset && records.length < maxRecords && !signal?.aborted; at += 1) {
      const record = log[at];
      bytes += (record?.key?.length ?? 0) + (record?.value?.length ?? 0);
      if (!record || (records.length > 0 && bytes > maxBytes)) break;
      records.push(record);
    }
    await this.#options.step(`read ${topic.name} told`);
    return { records, nextOffset: offset + records.length, endOffset, unreadable: [] };
  }

  async join({ group, topics, start }: JoinOptions): Promise<LogConsumer> {
    this.#assertOpen();
    const missing = topics.find((name) => !this.#topics.has(name));
    if (missing !== undefined) throw new AppError('logTopicNotFound', `There is no topic ${missing}.`);
    const members = this.#groups.getOrInsertComputed(group, () => new GroupMembers());
    const consumer = new SqliteConsumer({
      topics,
      assigned: new AssignedPartitions(),
      startOf: async (topic, partition) => {
        const range = this.#ranges(topic)[partition];
        return this.#commits.get(commitKey(group, topic, partition)) ?? range?.[start] ?? 0;
      },
      read: (query) => this.read(query),
      commit: async (topic, partition, offset) => {
        this.#assertOpen();
        await this.#options.step(`commit of ${group}`);
        this.#commits.set(commitKey(group, topic, partition), offset);
        await this.#options.step(`commit of ${group} told`);
        return 'committed';
      },
      leave: () => {
        this.#consumers.delete(consumer);
        members.leave(consumer, this.#topicList());
      },
    });
    this.#consumers.add(consumer);
    members.join(consumer, this.#topicList());
    return consumer;
  }

  async groupOffsets(group: string, topic: LogTopic): Promise<readonly GroupOffset[]> {
    this.#assertOpen();
    return this.#ranges(topic).map(({ begin, end }, partition) => {
      const committed = this.#commits.get(commitKey(group, topic, partition));
      return { begin, end, committed, lag: Math.max(0, end - (committed ?? begin)) };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const { tails } of this.#topics.values()) for (const tail of tails) tail.wake();
    for (const consumer of [...this.#consumers]) await consumer[Symbol.asyncDispose]();
  }

  #rebalance(): void {
    const topics = this.#topicList();
    for (const members of this.#groups.values()) members.rebalance(topics);
  }

  #topicList(): LogTopic[] {
    return [...this.#topics.values()].map(({ topic }) => topic);
  }

  #ranges(topic: LogTopic): OffsetRange[] {
    const { tails, begins } = this.#entry(topic);
    return tails.map(({ end }, partition) => ({ begin: begins[partition] ?? 0, end }));
  }

  #tail({ topic, partition, offset }: ReadQuery): PartitionTail {
    this.#assertOpen();
    assertPartition(topic, partition);
    const { tails, begins } = this.#entry(topic);
    const tail = tails[partition] ?? new PartitionTail(0);
    assertOffset(topic, partition, { offset, begin: begins[partition] ?? 0, end: tail.end });
    return tail;
  }

  #entry({ name, id }: LogTopic): MemoryTopic {
    const known = this.#topics.get(name);
    if (known?.topic.id !== id) throw new AppError('logTopicNotFound', `Topic ${name} is not there any more.`);
    return known;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new AppError('logUnavailable', 'The log is closed.');
  }
}

const commitKey = (group: string, { id }: LogTopic, partition: number): string => `${group}/${id}/${partition}`;
