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

  constructor(name: string, definition: NativeFunction) {
    super();
    this.#name = name;
    this.#definition = definition;
    this.parameters = definition.parameters.map((parameter) => ({
      name: parameter.name,
      required: parameter.default === undefined && parameter.optional !== true,
    }));
  }

  invoke(args: (Slot | undefined)[], run: Run): Value {
    const { parameters, call } = this.#definition;
    const plain: (Json | undefined)[] = [];
    for (let index = 0; index < parameters.length; index += 1) {
      const arg = args[index];
      plain.push(arg === undefined ? parameters[index]?.default : toPlain(force(arg, run), run));
    }
    const implementation = run.host.natives?.[this.#name] ?? call;
    return fromPlain(callHost(implementation, plain, run), run);
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
