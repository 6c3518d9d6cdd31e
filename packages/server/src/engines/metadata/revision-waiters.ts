interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
}

/** Callers that wait until a growing revision has reached theirs. */
export class RevisionWaiters {
  readonly #waiters = new Set<Waiter>();
  #reached = 0;

  reach(revision: number): void {
    this.#reached = Math.max(this.#reached, revision);
    for (const waiter of this.#waiters) {
      if (waiter.revision <= this.#reached) waiter.resolve();
    }
  }

  /** Rejects with the signal's reason when it aborts first. */
  async wait(revision: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (revision <= this.#reached) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { revision, resolve };
    const onAbort = (): void => reject(signal.reason);
    this.#waiters.add(waiter);
    signal.addEventListener('abort', onAbort);
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
