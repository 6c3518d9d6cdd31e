import type { ImportedSource, ImportRequest } from '../import-resolver.ts';
import type { NativeCall, NativeImplementation } from '../native-function.ts';
import type { Visibility } from '../syntax/ast.ts';
import { Budget } from './budget.ts';
import { passing } from './fault.ts';
import type { Site } from './site.ts';

/** A value of the language. Strings are well-formed UTF-16; arrays are arrays, objects and functions have classes. */
export type Value = null | boolean | number | string | Items | Obj | Fn;
export type Items = readonly Slot[];
/** A value, or one that waits to be needed. */
export type Slot = Value | Thunk;
/** A compiled expression. */
export type Code = (frame: Frame, run: Run) => Value;
/** A compiled expression that is not evaluated yet where it may be left waiting. */
export type Lazy = (frame: Frame, run: Run) => Slot;

/** One evaluation: its budget and what it was given. Natives see it as their call. */
export class Run extends Budget implements NativeCall {
  readonly host: Host;
  /** The call whose built-in function runs now, for `std.trace`. */
  site: Site | undefined;
  /** The call in tail position that the function which runs now leaves to its caller. */
  tail: TailCall | undefined;

  constructor(limits: ConstructorParameters<typeof Budget>[0], host: Host) {
    super(limits);
    this.host = host;
  }

  get context(): unknown {
    return this.host.context;
  }
}

export interface Host {
  readonly context: unknown;
  readonly natives: Readonly<Record<string, NativeImplementation>> | undefined;
  readonly trace: ((line: string) => void) | undefined;
  /** The value of an external variable; `undefined` where none has the name. */
  external(name: string, run: Run): Value | undefined;
  native(name: string): Fn | undefined;
  importSource(request: ImportRequest): ImportedSource;
  importCode(request: ImportRequest, run: Run): Value;
}

export interface TailCall {
  readonly fn: Fn;
  readonly args: (Slot | undefined)[];
  readonly tailstrict: boolean;
  readonly site: Site;
}

/** Variables of one call, of the program, of an iteration, or of an object as one of its levels sees it. */
export class Frame {
  readonly parent: Frame | undefined;
  readonly slots: Slot[];
  /** The object around, and the level in it from which `super` looks on; a frame without one has those of its parent. */
  readonly self: Obj | undefined;
  readonly level: number;
  /** Whether the call was `tailstrict` and has not made its own tail call: then that one takes its place. */
  replaceable = false;

  constructor(slots: Slot[], parent: Frame | undefined, binding: { self: Obj | undefined; level: number } | undefined = parent) {
    this.slots = slots;
    this.parent = parent;
    this.self = binding?.self;
    this.level = binding?.level ?? 0;
  }
}

/** A value that waits; it is evaluated once. */
export class Thunk {
  #code: Code | undefined;
  #frame: Frame | undefined;
  #value: Value = null;

  constructor(code: Code, frame: Frame) {
    this.#code = code;
    this.#frame = frame;
  }

  get waits(): boolean {
    return this.#code !== undefined;
  }

  force(run: Run): Value {
    const code = this.#code;
    const frame = this.#frame;
    if (code === undefined || frame === undefined) return this.#value;
    run.enter();
    const value = code(frame, run);
    run.depth -= 1;
    this.#value = value;
    this.#code = undefined;
    this.#frame = undefined;
    return value;
  }
}

export function force(slot: Slot, run: Run): Value {
  return slot instanceof Thunk ? slot.force(run) : slot;
}

/** Forces where the stack has a line of its own for it. */
export function forceAt(slot: Slot, run: Run, site: Site): Value {
  if (!(slot instanceof Thunk)) return slot;
  try {
    return slot.force(run);
  } catch (error) {
    throw passing(error, site);
  }
}

export interface FnParameter {
  readonly name: string;
  readonly required: boolean;
}

/** A function. `args` has one entry per parameter, `undefined` where the call left it out; the function may keep the array. */
export abstract class Fn {
  abstract readonly parameters: readonly FnParameter[];
  abstract invoke(args: (Slot | undefined)[], run: Run, tailstrict: boolean): Value;
}

export interface Field {
  readonly name: string;
  readonly visibility: Visibility;
  /** A value that needs no evaluation by its part. */
  readonly value?: Slot;
}

/** The object that a field is evaluated in, and the level at which the field was found. */
export interface Binding {
  readonly self: Obj;
  readonly level: number;
}

/** What a removed key leaves of an object. */
export interface Retained {
  readonly fields: ReadonlyMap<string, Visibility>;
  /** How many parts below are that object. */
  readonly parts: number;
}

/** One part of an object: what a literal, a comprehension, a host record or a removed key adds. */
export interface Layer {
  readonly hasAsserts: boolean;
  /** Set by a removed key, which has no fields itself. */
  readonly retained: Retained | undefined;
  find(name: string): Field | undefined;
  fields(): Iterable<Field>;
  /** Of a field of this part without a ready value. */
  evaluate(field: Field, binding: Binding, run: Run): Value;
  check(binding: Binding, run: Run): void;
}

/** An object: its parts, the last added first, and the values of fields that were asked for. */
export class Obj {
  readonly layers: readonly Layer[];
  readonly hasAsserts: boolean;
  /** `done` also while they are checked, since an assertion may use the object. */
  asserts: 'waiting' | 'done';
  /** Names of its visible fields in order, once they were asked for. */
  visible: readonly string[] | undefined;
  #values: (Map<string, Value> | undefined)[] | undefined;

  constructor(layers: readonly Layer[], hasAsserts = layers.some((layer) => layer.hasAsserts)) {
    this.layers = layers;
    this.hasAsserts = hasAsserts;
    this.asserts = hasAsserts ? 'waiting' : 'done';
  }

  cached(level: number, name: string): Value | undefined {
    return this.#values?.[level]?.get(name);
  }

  cache(level: number, name: string, value: Value): void {
    this.#values ??= [];
    let values = this.#values[level];
    if (values === undefined) {
      values = new Map();
      this.#values[level] = values;
    }
    values.set(name, value);
  }
}

export function isItems(value: Value): value is Items {
  return Array.isArray(value);
}

export type TypeName = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object' | 'function';

export function typeName(value: Value): TypeName {
  if (value === null) return 'null';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  if (value instanceof Obj) return 'object';
  return value instanceof Fn ? 'function' : 'array';
}
