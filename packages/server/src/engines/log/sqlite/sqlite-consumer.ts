import type { AssignedPartitions } from '../assigned-partitions.ts';
import { HeldPartition } from '../held-partition.ts';
import type { ConsumerTrouble, LogBatch, LogConsumer, LogTopic, OwnedPartition, ReadQuery } from '../log-engine.ts';
import type { GroupMember } from './group-members.ts';

export interface SqliteConsumerOptions {
  readonly topics: readonly string[];
  readonly assigned: AssignedPartitions;
  /** Where the group goes on in a partition. */
  readonly startOf: (topic: LogTopic, partition: number) => Promise<number>;
  readonly read: (query: ReadQuery) => Promise<LogBatch>;
  readonly commit: (topic: LogTopic, partition: number, offset: number) => Promise<'committed' | 'revoked'>;
  readonly leave: (member: GroupMember) => void;
}

/** A member of a group of the embedded log: its membership ends with it, not with time. */
export class SqliteConsumer implements LogConsumer, GroupMember {
  readonly topics: readonly string[];
  readonly health: ConsumerTrouble | undefined = undefined;
  readonly #options: SqliteConsumerOptions;
  /** Partitions that are given while their start is being looked up. */
  readonly #coming = new Map<string, symbol>();

  constructor(options: SqliteConsumerOptions) {
    this.topics = options.topics;
    this.#options = options;
  }

  partitions(signal: AbortSignal): AsyncIterable<OwnedPartition> {
    return this.#options.assigned.iterate(signal);
  }

  give(topic: LogTopic, partition: number): void {
    const key = `${topic.id}/${partition}`;
    const turn = Symbol(key);
    this.#coming.set(key, turn);
    const { startOf, assigned, read, commit } = this.#options;
    startOf(topic, partition).then(
      (position) => {
        if (this.#coming.get(key) !== turn) return;
        this.#coming.delete(key);
        const held = new HeldPartition({
          topic,
          partition,
          position,
          read,
          commit: (offset) => commit(topic, partition, offset),
          isMember: () => true,
        });
        assigned.give(held);
      },
      // The log was closed, or the topic deleted, which takes the partition away, too.
      () => this.#coming.delete(key),
    );
  }

  take(topic: LogTopic, partition: number): void {
    this.#coming.delete(`${topic.id}/${partition}`);
    this.#options.assigned.take(topic, partition);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.assigned.end();
    this.#options.leave(this);
  }
}
