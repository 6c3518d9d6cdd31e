import { Backoff } from '../../../kernel/async/backoff.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import { AppError, errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import { AssignedPartitions } from '../assigned-partitions.ts';
import { HeldPartition } from '../held-partition.ts';
import type { ConsumerTrouble, LogBatch, LogConsumer, OwnedPartition, ReadQuery } from '../log-engine.ts';
import type { LogEvent } from './log-questions.ts';

export interface SocketConsumerOptions {
  /** Makes the process at the other end a member. */
  readonly join: () => Promise<void>;
  readonly leave: () => Promise<void>;
  readonly read: (query: ReadQuery) => Promise<LogBatch>;
  readonly commit: (handle: number, offset: number) => Promise<'committed' | 'revoked'>;
  /** Settles when there is a connection, or will never be one. */
  readonly connected: () => Promise<void>;
  readonly clock: Clock;
}

const waits = { initialMs: 50, maxMs: 2000 };

/** A member of a group that the owner of the log holds for this process, once more after each loss of the connection. */
export class SocketConsumer implements LogConsumer {
  readonly #options: SocketConsumerOptions;
  readonly #assigned = new AssignedPartitions();
  readonly #end = new AbortController();
  #health: ConsumerTrouble | undefined;
  #rejoining: Promise<void> | undefined;

  constructor(options: SocketConsumerOptions) {
    this.#options = options;
  }

  get health(): ConsumerTrouble | undefined {
    return this.#health;
  }

  partitions(signal: AbortSignal): AsyncIterable<OwnedPartition> {
    return this.#assigned.iterate(signal);
  }

  receive(event: LogEvent): void {
    switch (event.type) {
      case 'given': {
        const { read, commit } = this.#options;
        const { topic, partition, position, handle } = event;
        const held = new HeldPartition({
          topic,
          partition,
          position,
          read,
          commit: (offset) => commit(handle, offset),
          isMember: () => true,
        });
        this.#assigned.give(held);
        return;
      }
      case 'taken':
        this.#assigned.take(event.topic, event.partition);
        return;
      case 'failed':
        this.#assigned.end(new AppError(event.code, event.message));
        return;
    }
  }

  /** The connection is gone, and with it the membership. */
  lost(): void {
    this.#assigned.takeAll();
    this.#health ??= {
      message: 'The process that holds the log does not answer; it is looked for.',
      sinceMs: this.#options.clock.monotonic(),
    };
    this.#rejoining ??= this.#rejoin();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#assigned.end();
    await this.#options.leave();
  }

  async #rejoin(): Promise<void> {
    const { join, leave, connected, clock } = this.#options;
    const { signal } = this.#end;
    const backoff = new Backoff({ ...waits, clock });
    for (;;) {
      await connected();
      if (signal.aborted) return;
      try {
        await join();
        if (signal.aborted) await leave();
        this.#health = undefined;
        this.#rejoining = undefined;
        return;
      } catch (error) {
        if (isAppError(error, 'logDenied')) {
          this.#assigned.end(error);
          return;
        }
        this.#health = { message: errorText(error), sinceMs: this.#health?.sinceMs ?? clock.monotonic() };
        if (!(await sleep(backoff.next(), signal))) return;
      }
    }
  }
}
