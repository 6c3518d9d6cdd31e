import { errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { LogConsumer, OwnedPartition } from '../log-engine.ts';
import type { LogEvent } from './log-questions.ts';

type WithoutConsumer<Event> = Event extends unknown ? Omit<Event, 'consumer'> : never;

/** A member of a group on behalf of another process: what it is given is told, and its commits are those of the partition it holds here. */
export class ServedConsumer implements AsyncDisposable {
  readonly #consumer: LogConsumer;
  readonly #tell: (event: WithoutConsumer<LogEvent>) => void;
  readonly #held = new Map<number, OwnedPartition>();
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  #handles = 0;

  constructor(consumer: LogConsumer, tell: (event: WithoutConsumer<LogEvent>) => void) {
    this.#consumer = consumer;
    this.#tell = tell;
    this.#watching = this.#watch();
  }

  async commit(handle: number, offset: number): Promise<'committed' | 'revoked'> {
    return (await this.#held.get(handle)?.commit(offset)) ?? 'revoked';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#consumer[Symbol.asyncDispose]();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    try {
      for await (const held of this.#consumer.partitions(this.#stop.signal)) this.#give(held);
    } catch (error) {
      this.#tell({ type: 'failed', code: isAppError(error) ? error.code : 'internalError', message: errorText(error) });
    }
  }

  #give(held: OwnedPartition): void {
    if (!held.isOwned) return;
    this.#handles += 1;
    const handle = this.#handles;
    const { topic, partition, position } = held;
    this.#held.set(handle, held);
    this.#tell({ type: 'given', handle, topic, partition, position });
    const take = () => {
      this.#held.delete(handle);
      this.#tell({ type: 'taken', topic, partition });
    };
    held.revoked.addEventListener('abort', take, { once: true });
  }
}
