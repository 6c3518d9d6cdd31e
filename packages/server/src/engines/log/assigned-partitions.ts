import { WaiterList } from '../../kernel/async/waiter-list.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { HeldPartition } from './held-partition.ts';
import type { LogTopic } from './log-engine.ts';

/** The partitions of one member: held ones by topic and index, and those that nobody has picked up yet. */
export class AssignedPartitions {
  readonly #held = new Map<string, HeldPartition>();
  readonly #fresh: HeldPartition[] = [];
  readonly #takers = new WaiterList<undefined, undefined>();
  #end: { readonly error: unknown } | 'closed' | undefined;
  #iterations = 0;

  give(held: HeldPartition): void {
    this.#held.set(keyOf(held.topic.id, held.partition), held);
    this.#fresh.push(held);
    this.#takers.settleFirst(undefined);
  }

  get(topic: LogTopic, partition: number): HeldPartition | undefined {
    return this.#held.get(keyOf(topic.id, partition));
  }

  take(topic: LogTopic, partition: number): void {
    const key = keyOf(topic.id, partition);
    this.#held.get(key)?.revoke();
    this.#held.delete(key);
  }

  takeAll(): void {
    for (const held of this.#held.values()) held.revoke();
    this.#held.clear();
  }

  /** Takes everything, and ends the iteration: with the error, or normally without one. */
  end(error?: unknown): void {
    this.takeAll();
    this.#end ??= error === undefined ? 'closed' : { error };
    while (this.#takers.size > 0) this.#takers.settleFirst(undefined);
  }

  async *iterate(signal: AbortSignal): AsyncGenerator<HeldPartition, void, undefined> {
    if (this.#iterations > 0) throw new AppError('invariantBroken', 'The partitions of a consumer are iterated twice.');
    this.#iterations += 1;
    while (!signal.aborted) {
      if (this.#end !== undefined) {
        if (this.#end === 'closed') return;
        throw this.#end.error;
      }
      const next = this.#fresh.shift();
      if (next === undefined) await this.#takers.wait(undefined, signal);
      else if (next.isOwned) yield next;
    }
  }
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}
