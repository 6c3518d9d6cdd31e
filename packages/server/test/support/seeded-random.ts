import { seededNumbers } from '../../src/kernel/codec/seeded-numbers.ts';

/** Random numbers that follow from a seed alone: the same seed makes the same choices. */
export class SeededRandom {
  /** In [0, 1). */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = seededNumbers(seed);
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** True in one of `n` cases on average. */
  oneIn(n: number): boolean {
    return this.next() < 1 / n;
  }
}

/** A seed of its own for each number, so that what one part draws moves nothing in another. */
export const derivedSeed = (seed: number, part: number): number =>
  (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(part + 1, 0xc2b2ae35)) >>> 0;
