import type { LogConsumer, LogEngine, OwnedPartition } from '../../src/engines/log/log-engine.ts';

/** Awaited before the effect of a call and before its answer. */
type Step = (place: 'before' | 'behind') => Promise<void>;

interface SteppedOptions {
  readonly step: Step;
  /** Gets what the process is in a group by: whoever kills the process ends it. */
  readonly onJoined?: (consumer: LogConsumer) => void;
}

/** A log as one process has it: every call takes its steps. */
export function steppedLog(log: LogEngine, { step, onJoined }: SteppedOptions): LogEngine {
  const stepped = async <T>(act: () => Promise<T>): Promise<T> => {
    await step('before');
    const result = await act();
    await step('behind');
    return result;
  };
  return {
    ensureTopic: (spec) => stepped(() => log.ensureTopic(spec)),
    topic: (name) => stepped(() => log.topic(name)),
    deleteTopic: (name) => stepped(() => log.deleteTopic(name)),
    offsets: (topic) => stepped(() => log.offsets(topic)),
    append: (batch) => stepped(() => log.append(batch)),
    read: (query) => stepped(() => log.read(query)),
    join: async (options) => {
      await step('before');
      const consumer = await log.join(options);
      onJoined?.(consumer);
      try {
        await step('behind');
      } catch (error) {
        // Who was refused is no member.
        await consumer[Symbol.asyncDispose]();
        throw error;
      }
      return steppedConsumer(consumer, stepped);
    },
    groupOffsets: (group, topic) => stepped(() => log.groupOffsets(group, topic)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

type Stepped = <T>(act: () => Promise<T>) => Promise<T>;

function steppedConsumer(consumer: LogConsumer, stepped: Stepped): LogConsumer {
  return {
    async *partitions(signal) {
      for await (const owned of consumer.partitions(signal)) yield steppedPartition(owned, stepped);
    },
    get health() {
      return consumer.health;
    },
    [Symbol.asyncDispose]: () => consumer[Symbol.asyncDispose](),
  };
}

function steppedPartition(owned: OwnedPartition, stepped: Stepped): OwnedPartition {
  return {
    topic: owned.topic,
    partition: owned.partition,
    get isOwned() {
      return owned.isOwned;
    },
    get revoked() {
      return owned.revoked;
    },
    get position() {
      return owned.position;
    },
    seek: (offset) => owned.seek(offset),
    fetch: async (limits) => {
      const batch = await stepped(() => owned.fetch(limits));
      return owned.isOwned ? batch : 'revoked';
    },
    commit: (offset) => stepped(() => owned.commit(offset)),
  };
}
