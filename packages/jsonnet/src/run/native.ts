import type { Json } from '../json.ts';
import { toPlain } from '../manifest/plain.ts';
import type { NativeFunction } from '../native-function.ts';
import { Fault } from './fault.ts';
import { fromPlain } from './from-plain.ts';
import { Fn, type FnParameter, force, type Run, type Slot, type Value } from './value.ts';

/** A function of the host as one of the language. */
export class Native extends Fn {
  readonly parameters: readonly FnParameter[];
  readonly #name: string;
  readonly #definition: NativeFunction;
  readonly #hasDefaults: boolean;

  constructor(name: string, definition: NativeFunction) {
    super();
    this.#name = name;
    this.#definition = definition;
    this.#hasDefaults = definition.parameters.some((parameter) => parameter.default !== undefined);
    this.parameters = definition.parameters.map((parameter) => ({
      name: parameter.name,
      required: parameter.default === undefined && parameter.optional !== true,
    }));
  }

  invoke(args: (Slot | undefined)[], run: Run): Value {
    return this.callWith(
      args.map((arg) => (arg === undefined ? undefined : toPlain(force(arg, run), run))),
      run,
    );
  }

  /** With arguments that are data already; one that is `undefined` or not there takes its default. */
  callWith(given: readonly (Json | undefined)[], run: Run): Value {
    const { call } = this.#definition;
    run.charge(1);
    const args = this.#hasDefaults ? this.#withDefaults(given) : given;
    const { natives } = run.host;
    return fromPlain(callHost(natives === undefined ? call : (natives[this.#name] ?? call), args, run), run);
  }

  #withDefaults(given: readonly (Json | undefined)[]): readonly (Json | undefined)[] {
    return this.#definition.parameters.map((parameter, index) => given[index] ?? (given[index] === null ? null : parameter.default));
  }
}

function callHost(implementation: NativeFunction['call'], args: readonly (Json | undefined)[], run: Run): Json {
  try {
    return implementation(args, run);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault(error instanceof Error ? error.message : String(error));
  }
}
