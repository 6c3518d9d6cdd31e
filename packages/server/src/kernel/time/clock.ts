/** Time as the product sees it; tests pass their own. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May step in both directions. */
  now(): number;
  /** Monotonic clock, milliseconds with fractions. Ages and deadlines use this one. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
