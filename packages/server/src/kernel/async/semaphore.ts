import { AppError } from '../errors/app-error.ts';
import { WaiterList } from './waiter-list.ts';

interface SemaphoreOptions {
  readonly permits: number;
  /** Callers that may wait at once; one more gets `overloaded`. */
  readonly maxWaiting: number;
}

/** Lets at most `permits` callers in at a time, first come first served. */
export class Semaphore {
  readonly #maxWaiting: number;
  readonly #waiters = new WaiterList<undefined, Disposable>();
  #free: number;

  constructor({ permits, maxWaiting }: SemaphoreOptions) {
    this.#free = permits;
    this.#maxWaiting = maxWaiting;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** A permit, given back by disposing it. Rejects with the signal's reason on abort, with `overloaded` where too many wait. */
  async acquire(signal?: AbortSignal): Promise<Disposable> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return this.#permit();
    }
    if (this.#waiters.size >= this.#maxWaiting)
      throw new AppError('overloaded', `${this.#maxWaiting} callers wait already; try again later.`);
    const permit = await this.#waiters.wait(undefined, signal);
    if (permit !== 'aborted') return permit;
    throw signal?.reason;
  }

  #permit(): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        if (this.#waiters.size > 0) this.#waiters.settleFirst(this.#permit());
        else this.#free += 1;
      },
    };
  }
}
