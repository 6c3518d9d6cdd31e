import type { Json } from './json.ts';
import type { Limits } from './limits.ts';
import type { NativeImplementation } from './native-function.ts';

/** A value from outside: a string, or Jsonnet source that is compiled and evaluated when it is first used. */
export type External = { readonly type: 'text'; readonly value: string } | { readonly type: 'code'; readonly source: string };

export interface Inputs {
  /** For `std.extVar`. */
  readonly externals?: Readonly<Record<string, External>>;
  /** Top-level arguments: used when the program's value is a function, ignored otherwise. */
  readonly arguments?: Readonly<Record<string, External>>;
  /** Replaces the implementation of natives that the program was compiled with. */
  readonly natives?: Readonly<Record<string, NativeImplementation>>;
  /** Handed to natives as it is. */
  readonly context?: unknown;
  /** Gets each line of `std.trace`, `TRACE: file:line message` without a newline; without it they are dropped. */
  readonly trace?: (line: string) => void;
}

/**
 * A compiled program. It keeps nothing between evaluations, and an evaluation may start another one.
 * Every method evaluates anew and throws JsonnetError of kind `runtime` or `budget`.
 */
export interface Program {
  /** The value as plain data. */
  evaluate(inputs?: Inputs, limits?: Partial<Limits>): Json;
  /** JSON with an indent of three spaces and a last newline, as the reference prints it. */
  toJson(inputs?: Inputs, limits?: Partial<Limits>): string;
  /** JSON without white space: what is left of `toJson` after compacting it. */
  toCompactJson(inputs?: Inputs, limits?: Partial<Limits>): string;
  /** The value, which must be a string, and a last newline (`-S`). */
  toText(inputs?: Inputs, limits?: Partial<Limits>): string;
  /** File name to JSON with a last newline, in order of names; the value must be an object (`-m`). */
  toFiles(inputs?: Inputs, limits?: Partial<Limits>): ReadonlyMap<string, string>;
  /** File name to text with a last newline; the value must be an object of strings (`-m -S`). */
  toTextFiles(inputs?: Inputs, limits?: Partial<Limits>): ReadonlyMap<string, string>;
  /** One JSON text with a last newline per element; the value must be an array (`-y`). */
  toDocuments(inputs?: Inputs, limits?: Partial<Limits>): readonly string[];
}
