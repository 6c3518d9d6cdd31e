import { Consumer } from '@platformatic/kafka';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { settleWithin } from '../../../kernel/lifecycle/settle-within.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import { systemTimer } from '../../../kernel/time/start-timer.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { logErrorOf } from './kafka-errors.ts';

export interface GroupMemberOptions {
  readonly cluster: KafkaCluster;
  readonly clock: Clock;
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  /** All partitions are taken away, before any other member can be given one. */
  readonly onRevoked: () => void;
  readonly onAssigned: (assignment: GroupAssignment) => void;
}

/** What the group gave to this member in one generation. */
export interface GroupAssignment {
  readonly generationId: number;
  readonly memberId: string;
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
}

/** How long a rebalance waits for members that do not answer. */
const rebalanceTimeoutMs = 30_000;
const leaveTimeoutMs = 2000;

/**
 * One stay in a consumer group (classic protocol, eager): joins, sends heartbeats, joins again when the group rebalances.
 * It ends by an error, or by its disposal, which leaves the group.
 */
export class GroupMember implements AsyncDisposable {
  readonly #options: GroupMemberOptions;
  readonly #consumer: Consumer;
  readonly #failed = Promise.withResolvers<never>();
  /** When the newest heartbeat that the group answered was sent; monotonic. */
  #heardMs = -Infinity;
  #sentMs = -Infinity;

  constructor(options: GroupMemberOptions) {
    this.#options = options;
    const { cluster, clock, group, topics, sessionTimeoutMs } = options;
    this.#failed.promise.catch(() => undefined);
    this.#consumer = new Consumer({
      ...cluster.clientOptions,
      // A rebalance is answered when all members have come, or their time is over.
      requestTimeout: rebalanceTimeoutMs + 5000,
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      heartbeatInterval: Math.ceil(sessionTimeoutMs / 4),
      heartbeatStallTimeout: sessionTimeoutMs,
    });
    this.#consumer.topics.trackAll(...topics);
    this.#consumer.on('consumer:group:rebalance', () => options.onRevoked());
    this.#consumer.on('consumer:group:join', ({ memberId, generationId, assignments }) => {
      this.#heardMs = clock.monotonic();
      options.onRevoked();
      const partitions = (assignments ?? []).flatMap(({ topic, partitions: indexes }) =>
        indexes.map((partition) => ({ topic, partition })),
      );
      options.onAssigned({ memberId, generationId: generationId ?? -1, partitions });
    });
    this.#consumer.on('consumer:heartbeat:start', () => {
      this.#sentMs = clock.monotonic();
    });
    this.#consumer.on('consumer:heartbeat:end', () => {
      // What was given was given up when the time was over: it must be given anew.
      if (!this.isHeard) this.#fail(new Error('The answers to heartbeats came too late.'));
      this.#heardMs = this.#sentMs;
    });
    this.#consumer.on('consumer:heartbeat:stalled', ({ lastError }) => this.#fail(lastError ?? new Error('No heartbeat was answered.')));
    this.#consumer.on('error', (error: unknown) => this.#fail(error));
  }

  /** Whether the group cannot have given our partitions away for our silence. */
  get isHeard(): boolean {
    return this.#options.clock.monotonic() - this.#heardMs < this.#options.sessionTimeoutMs;
  }

  /** Settles once it is a member; rejects with what prevents it. */
  async join(): Promise<void> {
    try {
      await this.#consumer.joinGroup({});
    } catch (error) {
      throw logErrorOf(error, `join the group ${this.#options.group}`);
    }
  }

  /** Rejects when the stay has ended by an error. */
  get ended(): Promise<never> {
    return this.#failed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A group that does not answer forgets the member after its session timeout.
    await settleWithin(() => this.#consumer.close(true), { timeoutMs: leaveTimeoutMs, startTimer: systemTimer });
  }

  #fail(error: unknown): void {
    const failure = logErrorOf(error, `stay in the group ${this.#options.group}`);
    const lost = failure.code === 'logTopicNotFound' ? new AppError('logUnavailable', failure.message, { cause: error }) : failure;
    this.#failed.reject(lost);
  }
}
