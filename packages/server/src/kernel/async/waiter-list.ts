/**
 * Callers that wait for their turn, first come first served. A caller whose signal aborts leaves the list
 * and gets `aborted`; so nobody is woken in vain.
 */
export class WaiterList<Ticket, Result> {
  readonly #waiters: Waiter<Ticket, Result>[] = [];

  get size(): number {
    return this.#waiters.length;
  }

  /** What the first in line asked for. */
  first(): Ticket | undefined {
    return this.#waiters[0]?.ticket;
  }

  wait(ticket: Ticket, signal: AbortSignal | undefined): Promise<Result | 'aborted'> {
    if (signal?.aborted) return Promise.resolve('aborted');
    return new Promise((resolve) => {
      const onAbort = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        resolve('aborted');
      };
      const waiter: Waiter<Ticket, Result> = {
        ticket,
        settle: (result) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(result);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Answers the first in line and takes it off the list. */
  settleFirst(result: Result): void {
    this.#waiters.shift()?.settle(result);
  }
}

interface Waiter<Ticket, Result> {
  readonly ticket: Ticket;
  readonly settle: (result: Result) => void;
}
