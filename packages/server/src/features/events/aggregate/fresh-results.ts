import type { Clock } from '../../../kernel/time/clock.ts';

interface FreshResultsOptions {
  /** Age, from the begin of its making, up to which a result is given again. */
  readonly maxAgeMs: number;
  /** Results that are kept; the oldest one makes room. */
  readonly maxItems: number;
  readonly clock: Clock;
}

interface Kept<T> {
  readonly result: Promise<T>;
  readonly startedAt: number;
  isSettled: boolean;
}

/** Results that many ask for at once: each is made once, and given to all who ask while it is made or fresh. */
export class FreshResults<T> {
  readonly #options: FreshResultsOptions;
  readonly #kept = new Map<string, Kept<T>>();

  constructor(options: FreshResultsOptions) {
    this.#options = options;
  }

  /** `make` is called where nothing fresh is there. A rejection is given to all who wait for it, and not kept. */
  get(key: string, make: () => Promise<T>): Promise<T> {
    const { maxAgeMs, maxItems, clock } = this.#options;
    const now = clock.monotonic();
    const known = this.#kept.get(key);
    if (known && (!known.isSettled || now - known.startedAt < maxAgeMs)) return known.result;
    const kept: Kept<T> = { result: Promise.try(make), startedAt: now, isSettled: false };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > maxItems && oldest !== undefined) this.#kept.delete(oldest);
    kept.result.then(
      () => {
        kept.isSettled = true;
      },
      () => {
        if (this.#kept.get(key) === kept) this.#kept.delete(key);
      },
    );
    return kept.result;
  }
}
