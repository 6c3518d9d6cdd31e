import { ulid } from '../../../kernel/codec/ulid.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import { assertOffset, assertPartition, assertTopicSpec, checkedBytes } from '../assert-log.ts';
import { AssignedPartitions } from '../assigned-partitions.ts';
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
  TopicSpec,
} from '../log-engine.ts';
import { takeRecords } from '../take-records.ts';
import { GroupMembers } from './group-members.ts';
import { LogLink } from './log-link.ts';
import type { StoreOptions, TopicState, Trim } from './log-protocol.ts';
import { PartitionTail } from './partition-tail.ts';
import { SqliteConsumer } from './sqlite-consumer.ts';
import { WriteQueue } from './write-queue.ts';

export interface SqliteLogOptions extends StoreOptions {
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly logger: Logger;
  /** Told of records that a group had still to read when their segment went. */
  readonly onLost: (topic: string, records: number) => void;
}

interface TopicEntry {
  readonly topic: LogTopic;
  readonly tails: readonly PartitionTail[];
  begins: readonly number[];
}

const retentionCheckMs = 10_000;

/**
 * The log in one folder, in one process: SQLite segments in a worker thread, groups of consumers in this one.
 *
 * Appends that arrive during a commit share the next one. The worker answers in order, and this thread knows every end,
 * so that waiting for records asks nobody.
 */
export class SqliteLogEngine implements LogEngine {
  readonly #options: SqliteLogOptions;
  readonly #link: LogLink;
  readonly #queue: WriteQueue;
  readonly #topics: Map<string, TopicEntry>;
  readonly #groups = new Map<string, GroupMembers>();
  readonly #consumers = new Set<SqliteConsumer>();
  #cancelRetention: () => void = () => {};
  #closing: Promise<void> | undefined;

  private constructor(link: LogLink, topics: Map<string, TopicEntry>, options: SqliteLogOptions) {
    this.#link = link;
    this.#options = options;
    this.#topics = topics;
    const { clock } = options;
    this.#queue = new WriteQueue(
      (appends, commits) => {
        const transfers = appends
          .flatMap(({ rows }) => rows.map(({ bytes }) => bytes.buffer))
          .filter((buffer) => buffer instanceof ArrayBuffer);
        return link.ask({ type: 'write', nowMs: clock.now(), appends, commits }, transfers);
      },
      (topicId, partition, end) => topics.get(topicId)?.tails[partition]?.moveTo(end),
    );
    this.#scheduleRetention();
  }

  /** `folderInUse` where another process holds the folder, `logUnavailable` where it cannot be used. */
  static async open(options: SqliteLogOptions): Promise<SqliteLogEngine> {
    const { folder, segmentBytes, segmentMs, retentionMs, maxTopicBytes } = options;
    const entries = new Map<string, TopicEntry>();
    const { link, topics } = await LogLink.open({ folder, segmentBytes, segmentMs, retentionMs, maxTopicBytes }, () => {
      for (const { tails } of entries.values()) for (const tail of tails) tail.wake();
    });
    for (const state of topics) entries.set(state.topic.id, entryOf(state));
    return new SqliteLogEngine(link, entries, options);
  }

  async ensureTopic(spec: TopicSpec): Promise<LogTopic> {
    this.#assertOpen();
    assertTopicSpec(spec);
    const nowMs = this.#options.clock.now();
    const { state } = await this.#link.ask({ type: 'ensureTopic', spec, id: ulid(nowMs), nowMs });
    if (!this.#topics.has(state.topic.id)) {
      this.#topics.set(state.topic.id, entryOf(state));
      this.#rebalance();
    }
    return state.topic;
  }

  async topic(name: string): Promise<LogTopic | undefined> {
    this.#assertOpen();
    return this.#entryNamed(name)?.topic;
  }

  async deleteTopic(name: string): Promise<void> {
    this.#assertOpen();
    const entry = this.#entryNamed(name);
    if (entry === undefined) return;
    const { id } = entry.topic;
    this.#topics.delete(id);
    this.#rebalance();
    for (const tail of entry.tails) tail.wake();
    await this.#link.ask({ type: 'deleteTopic', topicId: id });
  }

  async offsets(topic: LogTopic): Promise<readonly OffsetRange[]> {
    this.#assertOpen();
    return rangesOf(this.#entry(topic));
  }

  async append(batch: AppendBatch): Promise<Appended> {
    this.#assertOpen();
    const { partition, records } = batch;
    const entry = this.#entryNamed(batch.topic);
    if (entry === undefined) throw new AppError('logTopicNotFound', `The log has no topic ${batch.topic}.`);
    assertPartition(entry.topic, partition);
    const bytes = checkedBytes(batch);
    if (records.length === 0) return { partition, offset: entry.tails[partition]?.end ?? 0 };
    const offset = await this.#queue.append({ topicId: entry.topic.id, partition, records, bytes });
    return { partition, offset };
  }

  async read(query: ReadQuery): Promise<LogBatch> {
    const { topic, partition, offset, maxRecords, maxBytes, waitMs, signal } = query;
    assertPartition(topic, partition);
    const tail = this.#tailFor(query);
    if (tail.end === offset) await tail.wait({ waitMs, signal, startTimer: this.#options.startTimer });
    // What may have happened during the wait.
    const endOffset = this.#tailFor(query).end;
    if (endOffset === offset || signal?.aborted) return { records: [], nextOffset: offset, endOffset, unreadable: [] };
    const { answer } = await this.#link.ask({ type: 'read', query: { topicId: topic.id, partition, offset, maxRecords, maxBytes } });
    // The worker may know of appends that this thread has not heard of yet.
    return takeRecords({ ...answer, endOffset: Math.max(endOffset, answer.nextOffset) }, query);
  }

  async join({ group, topics, start }: JoinOptions): Promise<LogConsumer> {
    this.#assertOpen();
    for (const name of topics) {
      const entry = this.#entryNamed(name);
      if (entry === undefined) throw new AppError('logTopicNotFound', `The log has no topic ${name}.`);
      await this.#link.ask({ type: 'knowGroup', group, topicId: entry.topic.id });
    }
    this.#assertOpen();
    const members = this.#groups.getOrInsertComputed(group, () => new GroupMembers());
    const consumer = new SqliteConsumer({
      topics,
      assigned: new AssignedPartitions(),
      startOf: (topic, partition) => this.#startOf({ group, start, topic, partition }),
      read: (query) => this.read(query),
      commit: async (topic, partition, offset) => {
        this.#assertOpen();
        await this.#queue.commit({ group, topicId: topic.id, partition, offset });
        return 'committed';
      },
      leave: () => {
        this.#consumers.delete(consumer);
        members.leave(consumer, this.#topicList());
        if (members.size === 0) this.#groups.delete(group);
      },
    });
    this.#consumers.add(consumer);
    members.join(consumer, this.#topicList());
    return consumer;
  }

  async groupOffsets(group: string, topic: LogTopic): Promise<readonly GroupOffset[]> {
    this.#assertOpen();
    const ranges = rangesOf(this.#entry(topic));
    const { offsets } = await this.#link.ask({ type: 'committed', group, topicId: topic.id });
    return ranges.map(({ begin, end }, partition) => {
      const committed = offsets[partition];
      return { begin, end, committed, lag: Math.max(0, end - (committed ?? begin)) };
    });
  }

  /** Stores what was appended and committed before, ends every wait and consumer, and joins the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#cancelRetention();
    for (const { tails } of this.#topics.values()) for (const tail of tails) tail.wake();
    for (const consumer of [...this.#consumers]) await consumer[Symbol.asyncDispose]();
    await this.#queue.drain();
    await this.#link.close();
  }

  async #startOf({
    group,
    start,
    topic,
    partition,
  }: {
    group: string;
    start: 'begin' | 'end';
    topic: LogTopic;
    partition: number;
  }): Promise<number> {
    const { offsets } = await this.#link.ask({ type: 'committed', group, topicId: topic.id });
    const range = rangesOf(this.#entry(topic))[partition];
    return offsets[partition] ?? range?.[start] ?? 0;
  }

  #scheduleRetention(): void {
    this.#cancelRetention = this.#options.startTimer(retentionCheckMs, () => {
      const again = () => {
        if (this.#closing === undefined) this.#scheduleRetention();
      };
      this.#retain().then(again, again);
    });
  }

  async #retain(): Promise<void> {
    const { logger, clock } = this.#options;
    try {
      const { trims } = await this.#link.ask({ type: 'retain', nowMs: clock.now() });
      for (const trim of trims) this.#trimmed(trim);
    } catch (error) {
      logger.error({ error }, 'The log could not drop old segments; it is tried again.');
    }
  }

  #trimmed({ topicId, begins, lostRecords }: Trim): void {
    const entry = this.#topics.get(topicId);
    if (entry === undefined) return;
    entry.begins = begins;
    if (lostRecords === 0) return;
    const { name } = entry.topic;
    this.#options.onLost(name, lostRecords);
    this.#options.logger.error({ topic: name, lostRecords }, 'The log is over its cap: segments went that a group had not read.');
  }

  #rebalance(): void {
    const topics = this.#topicList();
    for (const members of this.#groups.values()) members.rebalance(topics);
  }

  #topicList(): LogTopic[] {
    return [...this.#topics.values()].map(({ topic }) => topic);
  }

  #tailFor({ topic, partition, offset }: ReadQuery): PartitionTail {
    this.#assertOpen();
    const { begins, tails } = this.#entry(topic);
    const tail = tails[partition];
    if (tail === undefined) throw new AppError('invariantBroken', `The topic ${topic.name} has no partition ${partition}.`);
    assertOffset(topic, partition, { offset, begin: begins[partition] ?? 0, end: tail.end });
    return tail;
  }

  #entry({ id, name }: LogTopic): TopicEntry {
    const entry = this.#topics.get(id);
    if (entry === undefined) throw new AppError('logTopicNotFound', `The topic ${name} with the id ${id} is not there any more.`);
    return entry;
  }

  #entryNamed(name: string): TopicEntry | undefined {
    return this.#topics.values().find(({ topic }) => topic.name === name);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new AppError('logUnavailable', 'The log is closed.');
  }
}

function entryOf({ topic, begins, ends }: TopicState): TopicEntry {
  return { topic, begins, tails: ends.map((end) => new PartitionTail(end)) };
}

function rangesOf({ begins, tails }: TopicEntry): OffsetRange[] {
  return tails.map(({ end }, partition) => ({ begin: begins[partition] ?? 0, end }));
}
