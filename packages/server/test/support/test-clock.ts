import type { Clock } from '../../src/kernel/time/clock.ts';

const startOfTime = Date.parse('2026-06-24T10:00:00.000Z');

/** A clock that stands until it is moved, from 2026-06-24T10:00:00.000Z. */
export class TestClock implements Clock {
  #now = startOfTime;

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - startOfTime;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}
