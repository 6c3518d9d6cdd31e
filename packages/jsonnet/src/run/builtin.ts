import { Fn, type FnParameter, force, type Run, type Slot, type Value } from './value.ts';

/** Gets all arguments evaluated, in order of the parameters; `undefined` for one that was left out. */
export type EagerCall = (args: readonly (Value | undefined)[], run: Run) => Value;
/** Gets arguments as they wait, and forces what it needs. */
export type LazyCall = (args: readonly (Slot | undefined)[], run: Run) => Value;

/** A function of the standard library. */
export class Builtin extends Fn {
  readonly parameters: readonly FnParameter[];
  /** `undefined` where `lazy` is set. */
  readonly eager: EagerCall | undefined;
  readonly lazy: LazyCall | undefined;

  constructor(parameters: readonly FnParameter[], call: { eager: EagerCall } | { lazy: LazyCall }) {
    super();
    this.parameters = parameters;
    this.eager = 'eager' in call ? call.eager : undefined;
    this.lazy = 'lazy' in call ? call.lazy : undefined;
  }

  invoke(args: (Slot | undefined)[], run: Run): Value {
    run.charge(1);
    if (this.eager === undefined) return this.lazy?.(args, run) ?? null;
    const values: (Value | undefined)[] = [];
    for (let index = 0; index < args.length; index += 1) {
      const arg = args[index];
      values.push(arg === undefined ? undefined : force(arg, run));
    }
    return this.eager(values, run);
  }
}

/** `names` are separated by spaces; a `?` after one lets calls leave it out. */
export function eager(names: string, call: EagerCall): Builtin {
  return new Builtin(parametersOf(names), { eager: call });
}

export function lazy(names: string, call: LazyCall): Builtin {
  return new Builtin(parametersOf(names), { lazy: call });
}

function parametersOf(names: string): FnParameter[] {
  return names.split(' ').map((name) => ({ name: name.replace('?', ''), required: !name.endsWith('?') }));
}
