import { offsetCommitV8 } from '@platformatic/kafka';
import { Backoff } from '../../../kernel/async/backoff.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import { AssignedPartitions } from '../assigned-partitions.ts';
import { HeldPartition } from '../held-partition.ts';
import type {
  ConsumerTrouble,
  GroupOffset,
  JoinOptions,
  LogBatch,
  LogConsumer,
  LogTopic,
  OwnedPartition,
  ReadQuery,
} from '../log-engine.ts';
import { type GroupAssignment, GroupMember } from './group-member.ts';
import { connected, type KafkaCluster } from './kafka-cluster.ts';
import { logErrorOf, troubleOf } from './kafka-errors.ts';
import { PartitionReader } from './partition-reader.ts';

export interface KafkaConsumerOptions extends JoinOptions {
  readonly cluster: KafkaCluster;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sessionTimeoutMs: number;
  readonly groupOffsets: (topic: LogTopic) => Promise<readonly GroupOffset[]>;
  readonly onClosed: () => void;
}

interface CommitQuery {
  readonly topic: LogTopic;
  readonly partition: number;
  readonly offset: number;
  readonly assignment: GroupAssignment;
}

/** Refusals of a commit that say that the partition may be another's by now. */
const notMember = ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS', 'FENCED_INSTANCE_ID'];
const maxCommitFailures = 5;

/**
 * A member of a Kafka group for as long as it is wanted: when a stay in the group ends by an error, all partitions are taken away, and it
 * joins again. A topic that is not there is waited for; one that is created anew ends the stay, so that its partitions are given anew.
 */
export class KafkaConsumer implements LogConsumer {
  readonly #options: KafkaConsumerOptions;
  readonly #assigned = new AssignedPartitions();
  readonly #readers = new Set<PartitionReader>();
  readonly #stop = new AbortController();
  /** On their way; they are let through before the member leaves. */
  readonly #commits = new Set<Promise<unknown>>();
  readonly #pool;
  readonly #running: Promise<void>;
  #trouble: ConsumerTrouble | undefined;
  /** The one of now; undefined while the group has given nothing. */
  #assignment: GroupAssignment | undefined;
  /** Ends the present stay. */
  #endStay: (error: AppError) => void = () => {};

  constructor(options: KafkaConsumerOptions) {
    this.#options = options;
    this.#pool = options.cluster.openPool();
    this.#running = this.#run();
  }

  get health(): ConsumerTrouble | undefined {
    return this.#trouble;
  }

  partitions(signal: AbortSignal): AsyncIterable<OwnedPartition> {
    return this.#assigned.iterate(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#assigned.end();
    await Promise.allSettled(this.#commits);
    this.#endStay(new AppError('logUnavailable', 'The consumer is closed.'));
    await this.#running;
    await this.#options.cluster.closePool(this.#pool);
    this.#options.onClosed();
  }

  async #run(): Promise<void> {
    const { clock, group, logger } = this.#options;
    const backoff = new Backoff({ initialMs: 100, maxMs: 5000, holdMs: 10_000, clock });
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#stay(() => backoff.succeeded());
      } catch (error) {
        this.#revokeAll();
        if (signal.aborted) return;
        if (isAppError(error, 'logDenied')) {
          this.#assigned.end(error);
          return;
        }
        this.#trouble ??= { message: errorText(error), sinceMs: clock.monotonic() };
        logger.warn({ group, error: errorText(error) }, 'A consumer is out of its group; it joins again.');
        await sleep(backoff.next(), signal);
      }
    }
  }

  /** Until the stay ends, always by an error. */
  async #stay(onJoined: () => void): Promise<never> {
    const { cluster, clock, group, topics: names, sessionTimeoutMs } = this.#options;
    const topics = await this.#topics();
    const ended = Promise.withResolvers<never>();
    ended.promise.catch(() => undefined);
    this.#endStay = ended.reject;
    await using member = new GroupMember({
      cluster,
      clock,
      group,
      topics: names,
      sessionTimeoutMs,
      onRevoked: () => this.#revokeAll(),
      onAssigned: (assignment) => {
        this.#trouble = undefined;
        onJoined();
        this.#give(assignment, { topics, member }).catch(ended.reject);
      },
    });
    member.ended.catch(ended.reject);
    if (this.#stop.signal.aborted) throw new AppError('logUnavailable', 'The consumer is closed.');
    member.join().catch(ended.reject);
    return await ended.promise;
  }

  async #topics(): Promise<ReadonlyMap<string, LogTopic>> {
    const { cluster, topics } = this.#options;
    const found = new Map<string, LogTopic>();
    for (const name of topics) {
      const topic = await cluster.topic(name);
      if (topic === undefined) throw new AppError('logUnavailable', `Kafka has no topic ${name}; it is waited for.`);
      found.set(name, topic);
    }
    return found;
  }

  async #give(
    assignment: GroupAssignment,
    { topics, member }: { topics: ReadonlyMap<string, LogTopic>; member: GroupMember },
  ): Promise<void> {
    this.#assignment = assignment;
    for (const [name, partitions] of Map.groupBy(assignment.partitions, ({ topic }) => topic)) {
      const topic = topics.get(name);
      if (topic === undefined) continue;
      const offsets = await this.#options.groupOffsets(topic);
      for (const { partition } of partitions) {
        if (this.#assignment !== assignment || this.#stop.signal.aborted) return;
        const known = offsets[partition];
        if (known === undefined)
          throw new AppError('logUnavailable', `The topic ${name} has more partitions than it had: the group joins again.`);
        this.#assigned.give(this.#held({ topic, partition, position: known.committed ?? known[this.#options.start], assignment, member }));
      }
    }
  }

  #held({
    topic,
    partition,
    position,
    assignment,
    member,
  }: {
    topic: LogTopic;
    partition: number;
    position: number;
    assignment: GroupAssignment;
    member: GroupMember;
  }): HeldPartition {
    const { cluster, clock } = this.#options;
    const reader = new PartitionReader({ cluster, clock });
    this.#readers.add(reader);
    return new HeldPartition({
      topic,
      partition,
      position,
      read: (query) => this.#read(reader, query),
      commit: (offset) => this.#tracked(this.#commit({ topic, partition, offset, assignment })),
      isMember: () => member.isHeard,
    });
  }

  async #read(reader: PartitionReader, query: ReadQuery): Promise<LogBatch> {
    try {
      return await reader.read(query);
    } catch (error) {
      if (isAppError(error, 'logTopicNotFound')) {
        this.#endStay(error);
        this.#revokeAll();
      }
      throw error;
    }
  }

  /** In the generation of the assignment, so that a member that was thrown out cannot overwrite its successor's commit. */
  async #commit({ topic, partition, offset, assignment }: CommitQuery): Promise<'committed' | 'revoked'> {
    const { cluster, group } = this.#options;
    const partitions = [{ partitionIndex: partition, committedOffset: BigInt(offset), committedLeaderEpoch: -1, committedMetadata: null }];
    const { memberId, generationId } = assignment;
    const backoff = new Backoff({ initialMs: 50, maxMs: 1000 });
    for (let failures = 1; ; failures += 1) {
      try {
        const connection = await connected(this.#pool, await cluster.coordinator(group, { refresh: failures > 1 }));
        await offsetCommitV8.api.async(connection, group, generationId, memberId, null, [{ name: topic.name, partitions }]);
        return 'committed';
      } catch (error) {
        const { apiIds } = troubleOf(error);
        if (notMember.some((id) => apiIds.has(id))) {
          // An answer that comes late says nothing of what was given since: what is taken away without need is never given again.
          if (this.#assignment === assignment) this.#revokeAll();
          return 'revoked';
        }
        const failure = logErrorOf(error, `commit for the group ${group}`);
        if (failure.code === 'logTopicNotFound') this.#endStay(failure);
        if (failure.code !== 'logUnavailable' || failures >= maxCommitFailures) throw failure;
        if (!(await sleep(backoff.next(), this.#stop.signal))) throw failure;
      }
    }
  }

  async #tracked<Result>(commit: Promise<Result>): Promise<Result> {
    this.#commits.add(commit);
    try {
      return await commit;
    } finally {
      this.#commits.delete(commit);
    }
  }

  #revokeAll(): void {
    this.#assignment = undefined;
    this.#assigned.takeAll();
    const readers = [...this.#readers];
    this.#readers.clear();
    for (const reader of readers) reader[Symbol.asyncDispose]().catch(() => undefined);
  }
}
