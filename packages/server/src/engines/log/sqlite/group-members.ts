import type { LogTopic } from '../log-engine.ts';
import { balance } from './balance.ts';

/** A member of a group, as the group sees it. */
export interface GroupMember {
  readonly topics: readonly string[];
  give(topic: LogTopic, partition: number): void;
  take(topic: LogTopic, partition: number): void;
}

interface TopicOwners {
  readonly topic: LogTopic;
  readonly owners: readonly (GroupMember | undefined)[];
}

/** Who owns which partition in one group. All members live in this process, so a partition is taken before it is given, in one turn. */
export class GroupMembers {
  readonly #members: GroupMember[] = [];
  #owners = new Map<string, TopicOwners>();

  get size(): number {
    return this.#members.length;
  }

  join(member: GroupMember, topics: readonly LogTopic[]): void {
    this.#members.push(member);
    this.rebalance(topics);
  }

  leave(member: GroupMember, topics: readonly LogTopic[]): void {
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
    this.rebalance(topics);
  }

  /** To be called with all topics when a member or a topic comes or goes. */
  rebalance(topics: readonly LogTopic[]): void {
    const before = this.#owners;
    this.#owners = new Map(topics.map((topic) => [topic.id, { topic, owners: this.#ownersOf(topic, before.get(topic.id)) }]));
    for (const { topic, owners } of before.values()) {
      owners.forEach((owner, partition) => {
        if (owner !== undefined && this.#owners.get(topic.id)?.owners[partition] !== owner) owner.take(topic, partition);
      });
    }
    for (const { topic, owners } of this.#owners.values()) {
      owners.forEach((owner, partition) => {
        if (owner !== undefined && before.get(topic.id)?.owners[partition] !== owner) owner.give(topic, partition);
      });
    }
  }

  #ownersOf({ name, partitions }: LogTopic, before: TopicOwners | undefined): readonly (GroupMember | undefined)[] {
    const members = this.#members.filter(({ topics }) => topics.includes(name));
    return balance(before?.owners ?? Array.from<undefined>({ length: partitions }), members);
  }
}
