import type { Json } from './json.ts';

/** What a native function gets besides its arguments. */
export interface NativeCall {
  /** `context` of the evaluation's inputs, as it was given. */
  readonly context: unknown;
  /**
   * Takes `amount` steps from the evaluation's budget; throws the budget error when they are used up.
   * A function whose work grows with its input charges before it works.
   */
  charge(amount: number): void;
}

/** A function of the host. Its arguments are evaluated, checked and turned into JSON before it is called. */
export interface NativeFunction {
  readonly parameters: readonly NativeParameter[];
  /** The message of what it throws becomes the evaluation's error. An `undefined` argument was left out and has no default. */
  readonly call: NativeImplementation;
}

export type NativeImplementation = (args: readonly (Json | undefined)[], call: NativeCall) => Json;

export interface NativeParameter {
  readonly name: string;
  /** A parameter with neither `default` nor `optional` must be given. */
  readonly default?: Json;
  readonly optional?: boolean;
}
