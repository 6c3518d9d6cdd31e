import { Semaphore } from '../../kernel/async/semaphore.ts';

const maxWaiting = 200;

/** One holder at a time for each key, first come first served; `overloaded` where too many wait for a key. */
export class KeyedMutex {
  readonly #locks = new Map<string, { readonly semaphore: Semaphore; users: number }>();

  async run<T>(key: string, action: () => Promise<T>): Promise<T> {
    const lock = this.#locks.get(key) ?? { semaphore: new Semaphore({ permits: 1, maxWaiting }), users: 0 };
    this.#locks.set(key, lock);
    lock.users += 1;
    try {
      using _ = await lock.semaphore.acquire();
      return await action();
    } finally {
      lock.users -= 1;
      if (lock.users === 0) this.#locks.delete(key);
    }
  }
}
