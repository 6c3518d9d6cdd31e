import { Fault, passing, replaced } from './fault.ts';
import type { Site } from './site.ts';
import { type Code, Fn, type FnParameter, Frame, force, type Run, type Slot, Thunk, type Value } from './value.ts';

export interface Named {
  readonly name: string;
  readonly value: Slot;
}

/** Calls with positional arguments only. */
export function call(fn: Fn, args: (Slot | undefined)[], run: Run): Value {
  return fn.invoke(arrange(fn.parameters, args, []), run, false);
}

/** Arguments in order of the parameters; checks as the reference does. */
export function arrange(
  parameters: readonly FnParameter[],
  positional: (Slot | undefined)[],
  named: readonly Named[],
): (Slot | undefined)[] {
  const count = positional.length;
  if (count === parameters.length && named.length === 0) return positional;
  if (count > parameters.length) throw new Fault(`function expected ${parameters.length} positional argument(s), but got ${count}`);
  const args = positional;
  for (let index = count; index < parameters.length; index += 1) args.push(undefined);
  for (const { name, value } of named) {
    const index = parameters.findLastIndex((parameter) => parameter.name === name);
    if (index < 0) throw new Fault(`function has no parameter ${name}`);
    if (args[index] !== undefined) throw new Fault(`Argument ${name} already provided`);
    args[index] = value;
  }
  for (const [index, parameter] of parameters.entries()) {
    if (parameter.required && args[index] === undefined) throw new Fault(`Missing argument: ${parameter.name}`);
  }
  return args;
}

function isComplete(args: (Slot | undefined)[]): args is Slot[] {
  for (let index = 0; index < args.length; index += 1) if (args[index] === undefined) return false;
  return true;
}

/** What is known of a function expression before it is evaluated. */
export interface FunctionShape {
  readonly parameters: readonly FnParameter[];
  /** Of a parameter without one: never called. */
  readonly defaults: readonly (Code | undefined)[];
  readonly body: Code;
  /** Slots of its frame: the parameters first, then locals of its body. */
  readonly size: number;
}

/** What the frame of a call costs beside its slots. */
const stepsPerFrame = 1;

/** A function of the program with the frame it was made in. */
export class Closure extends Fn {
  readonly #shape: FunctionShape;
  readonly #frame: Frame;

  constructor(shape: FunctionShape, frame: Frame) {
    super();
    this.#shape = shape;
    this.#frame = frame;
  }

  get parameters(): readonly FnParameter[] {
    return this.#shape.parameters;
  }

  invoke(args: (Slot | undefined)[], run: Run, tailstrict: boolean): Value {
    if (tailstrict) return invokeReplaceable(this, args, run);
    const frame = this.frame(args, run, false);
    run.enter();
    const value = this.#shape.body(frame, run);
    run.depth -= 1;
    return value;
  }

  frame(args: (Slot | undefined)[], run: Run, forced: boolean): Frame {
    const { size } = this.#shape;
    run.charge(stepsPerFrame + size);
    const frame = isComplete(args) ? new Frame(args, this.#frame) : this.#withDefaults(args);
    const { slots } = frame;
    if (forced) for (const slot of slots) force(slot, run);
    for (let index = slots.length; index < size; index += 1) slots.push(null);
    return frame;
  }

  #withDefaults(args: readonly (Slot | undefined)[]): Frame {
    const { defaults } = this.#shape;
    const slots: Slot[] = args.map((arg) => arg ?? null);
    const frame = new Frame(slots, this.#frame);
    for (const [index, code] of defaults.entries()) {
      if (args[index] === undefined && code !== undefined) slots[index] = new Thunk(code, frame);
    }
    return frame;
  }

  body(frame: Frame, run: Run): Value {
    return this.#shape.body(frame, run);
  }
}

/** A `tailstrict` call: the call that its body makes last takes its place, so that a loop of such calls needs one frame. */
function invokeReplaceable(first: Closure, firstArgs: (Slot | undefined)[], run: Run): Value {
  let fn: Fn = first;
  let args = firstArgs;
  let site: Site | undefined;
  let frame: Frame | undefined;
  try {
    for (;;) {
      frame = undefined;
      if (!(fn instanceof Closure)) return fn.invoke(args, run, true);
      frame = fn.frame(args, run, true);
      frame.replaceable = true;
      run.enter();
      const value = fn.body(frame, run);
      // A call within an operand took the place, and the depth with it.
      if (frame.replaceable) run.depth -= 1;
      const { tail } = run;
      if (tail === undefined) return value;
      run.tail = undefined;
      ({ fn, args, site } = tail);
      frame = undefined;
      if (!tail.tailstrict) return fn.invoke(args, run, false);
    }
  } catch (error) {
    // What fails after a call within an operand has no line either: that call took the frame.
    const fault = frame === undefined || frame.replaceable ? error : replaced(error);
    throw site === undefined ? fault : replaced(passing(fault, site));
  }
}
