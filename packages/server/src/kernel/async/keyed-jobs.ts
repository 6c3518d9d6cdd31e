import type { Clock } from '../time/clock.ts';
import { systemClock } from '../time/clock.ts';
import { TimerHeap } from '../time/timer-heap.ts';

export interface KeyedJobsOptions {
  /** Keys worked on at the same time. */
  readonly concurrency: number;
  /**
   * Looks at the key's present state and does what is due. Resolves to the milliseconds after which to look again,
   * or undefined: only when requested. A rejection is a bug and goes to `onError`; the key is looked at again in a second.
   */
  readonly work: (key: string, signal: AbortSignal) => Promise<number | undefined>;
  readonly onError: (key: string, error: unknown) => void;
  readonly clock?: Clock;
}

const afterErrorMs = 1000;

/**
 * Level-triggered work on many entities: any number of requests for a key coalesce into one look at its state,
 * never two at once for a key, and one more look if a request came meanwhile. The queue is bounded by the keys that exist.
 */
export class KeyedJobs implements AsyncDisposable {
  readonly #options: KeyedJobsOptions;
  readonly #clock: Clock;
  readonly #timers: TimerHeap;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  readonly #stop = new AbortController();

  constructor(options: KeyedJobsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timers = new TimerHeap({ clock: this.#clock });
  }

  /** Look at the key as soon as possible. */
  request(key: string): void {
    if (this.#stop.signal.aborted) return;
    this.#timers.cancel(key);
    if (this.#running.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#start();
  }

  /** Ends timers and queue and waits for the work in progress, which hears it by its signal. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#timers[Symbol.dispose]();
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #start(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#options.concurrency) return;
      this.#waiting.delete(key);
      this.#running.set(key, this.#work(key));
    }
  }

  async #work(key: string): Promise<void> {
    let lookAgainMs: number | undefined;
    try {
      // Behind a microtask, so that the caller has noted this promise before it can end.
      await Promise.resolve();
      lookAgainMs = await this.#options.work(key, this.#stop.signal);
    } catch (error) {
      this.#options.onError(key, error);
      lookAgainMs = afterErrorMs;
    }
    this.#running.delete(key);
    if (this.#stop.signal.aborted) return;
    if (this.#again.delete(key)) this.#waiting.add(key);
    else if (lookAgainMs !== undefined) this.#timers.set(key, this.#clock.monotonic() + lookAgainMs, () => this.request(key));
    this.#start();
  }
}
