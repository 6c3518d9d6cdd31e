import type { StartTimer } from '../../src/kernel/time/start-timer.ts';
import type { TestClock } from './test-clock.ts';

interface Pending {
  readonly dueAt: number;
  readonly fire: () => void;
}

/** Timers that fire when the test's clock is moved by them. */
export class ManualTimers {
  readonly #clock: TestClock;
  readonly #pending = new Set<Pending>();

  constructor(clock: TestClock) {
    this.#clock = clock;
  }

  readonly start: StartTimer = (delayMs, fire) => {
    const pending = { dueAt: this.#clock.monotonic() + delayMs, fire };
    this.#pending.add(pending);
    return () => this.#pending.delete(pending);
  };

  get pending(): number {
    return this.#pending.size;
  }

  /** Moves the clock; what comes due fires in its order. */
  advance(ms: number): void {
    const until = this.#clock.monotonic() + ms;
    for (;;) {
      const next = [...this.#pending].filter(({ dueAt }) => dueAt <= until).sort((one, other) => one.dueAt - other.dueAt)[0];
      if (!next) break;
      this.#clock.advance(Math.max(0, next.dueAt - this.#clock.monotonic()));
      this.#pending.delete(next);
      next.fire();
    }
    this.#clock.advance(until - this.#clock.monotonic());
  }
}
