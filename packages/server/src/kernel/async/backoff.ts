import { type Clock, systemClock } from '../time/clock.ts';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Growth from one wait to the next, 2 by default. */
  readonly factor?: number;
  /** Share of a wait that is random, 0..1: a wait w lies in [w * (1 - jitter), w]. 0.5 by default. */
  readonly jitter?: number;
  /** How long a success must have held before the waits start small again; 0 by default. */
  readonly holdMs?: number;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  readonly clock?: Clock;
}

/**
 * The waits between repeated attempts of one thing.
 * A success that is followed by a failure within `holdMs` does not reset them: what flaps is retried as slowly as what fails.
 */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #waitMs: number;
  #succeededAt: number | undefined;

  constructor(options: BackoffOptions) {
    this.#options = { factor: 2, jitter: 0.5, holdMs: 0, random: Math.random, clock: systemClock, ...options };
    this.#waitMs = options.initialMs;
  }

  /** After a failed attempt: milliseconds until the next one. */
  next(): number {
    const { initialMs, maxMs, factor, jitter, holdMs, random, clock } = this.#options;
    if (this.#succeededAt !== undefined && clock.monotonic() - this.#succeededAt >= holdMs) this.#waitMs = initialMs;
    this.#succeededAt = undefined;
    const waitMs = Math.min(this.#waitMs, maxMs);
    this.#waitMs = Math.min(waitMs * factor, maxMs);
    return waitMs * (1 - jitter * random());
  }

  /** After an attempt that worked. */
  succeeded(): void {
    this.#succeededAt ??= this.#options.clock.monotonic();
  }

  /** The next wait is the first one again, whatever happened. */
  reset(): void {
    this.#waitMs = this.#options.initialMs;
    this.#succeededAt = undefined;
  }
}
