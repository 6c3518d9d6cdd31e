import { Semaphore } from '../../kernel/async/semaphore.ts';

const maxWaiting = 200;

/** One holder at a time for each key, first come first served. */
export class KeyedMutex {
  readonly #locks = new Map<string, { readonly semaphore: Semaphore; users: number }>();

  /** Rejects with the signal's reason where it aborts before the action begins, with `overloaded` where too many wait for the key. */
  async run<T>({ key, signal }: { readonly key: string; readonly signal?: AbortSignal }, action: () => Promise<T>): Promise<T> {
    const lock = this.#locks.get(key) ?? { semaphore: new Semaphore({ permits: 1, maxWaiting }), users: 0 };
    this.#locks.set(key, lock);
    lock.users += 1;
    try {
      using _ = await lock.semaphore.acquire(signal);
      return await action();
    } finally {
      lock.users -= 1;
      if (lock.users === 0) this.#locks.delete(key);
    }
  }
}
