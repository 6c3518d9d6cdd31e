import type { Limits } from '../limits.ts';
import { Fault } from './fault.ts';

/** Characters that one step pays for, and elements. */
const charactersPerStep = 64;
const elementsPerStep = 2;

/**
 * What is left of the limits of one evaluation. Work is paid before it is done. A step stands for at most about 80 ns and for 32 bytes that
 * stay, so that the usual million ends within 100 ms and 64 MB: what costs more takes more steps.
 */
export class Budget {
  /** Calls and forced values that wait now. Where an evaluation fails it keeps its value: nothing goes on after that. */
  depth = 0;
  #steps: number;
  #output: number;
  readonly #frames: number;
  readonly #length: number;

  constructor(limits: Limits) {
    this.#steps = limits.steps;
    this.#output = limits.outputBytes;
    this.#frames = limits.frames;
    this.#length = limits.length;
  }

  get frames(): number {
    return this.#frames;
  }

  /** Begins a call or the evaluation of a waiting value; its end lowers `depth`. */
  enter(): void {
    if (this.depth >= this.#frames) throw new Fault('max stack frames exceeded.', 'budget');
    this.depth += 1;
    if (--this.#steps < 0) throw new Fault('max steps exceeded.', 'budget');
  }

  /** Goes one level deeper into a value that a function of the library writes; `depth` is lowered as after `enter`. */
  enterLevel(): void {
    if (this.depth >= this.#frames) throw new Fault('max manifest depth exceeded, possible infinite recursion', 'budget');
    this.enter();
  }

  /** How often something of this price can be paid, and one more, which is too much; a length for what takes one. */
  affordable(steps: number): number {
    return Math.min(0xffff_ffff, Math.floor(this.#steps / steps) + 1);
  }

  charge(steps: number): void {
    this.#steps -= steps;
    if (this.#steps < 0) throw new Fault('max steps exceeded.', 'budget');
  }

  /** Pays for reading or making this many characters. */
  chargeCharacters(count: number): void {
    this.charge(count / charactersPerStep);
  }

  /** Pays for reading or making this many elements that are there. */
  chargeElements(count: number): void {
    this.charge(count / elementsPerStep);
  }

  /** Before a string of this length is made. */
  checkString(length: number): void {
    if (length > this.#length) throw new Fault('string too long.', 'budget');
  }

  /** Before an array of this length is made whose elements are paid for. */
  checkLength(length: number): void {
    if (length > this.#length) throw new Fault('array too long.', 'budget');
  }

  /** Before an array of this length is made. Pays for its elements. */
  checkArray(length: number): void {
    this.checkLength(length);
    this.chargeElements(Math.max(0, length));
  }

  /** Before this much text is added to a result. */
  output(length: number): void {
    this.#output -= length;
    if (this.#output < 0) throw new Fault('output too large.', 'budget');
  }
}
