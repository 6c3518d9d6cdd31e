import type { Natives, Unit } from '../compile/compile-source.ts';
import { compileSource } from '../compile/compile-source.ts';
import type { ImportedSource, ImportRequest, ImportResolver } from '../import-resolver.ts';
import { JsonnetError } from '../jsonnet-error.ts';
import type { NativeImplementation } from '../native-function.ts';
import type { External, Inputs } from '../program.ts';
import { Fault } from '../run/fault.ts';
import { type Fn, type Host, type Run, Thunk, type Value } from '../run/value.ts';

export interface Surroundings {
  readonly natives: Natives;
  readonly imports: ImportResolver | undefined;
}

/** What one evaluation was given, and what it has loaded. */
export class Evaluation implements Host {
  readonly context: unknown;
  readonly natives: Readonly<Record<string, NativeImplementation>> | undefined;
  readonly trace: ((line: string) => void) | undefined;
  readonly #surroundings: Surroundings;
  readonly #externals: Inputs['externals'];
  #loaded: Map<string, Thunk> | undefined;

  constructor(surroundings: Surroundings, inputs: Inputs) {
    this.#surroundings = surroundings;
    this.context = inputs.context;
    this.natives = inputs.natives;
    this.trace = inputs.trace;
    this.#externals = inputs.externals;
  }

  external(name: string, run: Run): Value | undefined {
    const externals = this.#externals;
    if (externals === undefined || !Object.hasOwn(externals, name)) return undefined;
    const external = externals[name];
    return external && this.inputValue(external, { kind: 'extvar', name, run });
  }

  /** The value of an external variable or a top-level argument; a problem of its source is the evaluation's. */
  inputValue(external: External, { kind, name, run }: { kind: string; name: string; run: Run }): Value {
    if (external.type === 'text') return external.value.toWellFormed();
    return this.inputThunk(external.source, kind, name).force(run);
  }

  inputThunk(text: string, kind: string, name: string): Thunk {
    const label = `<${kind}:${name}>`;
    return this.#load(label, () => compileSource({ name: label, path: label, text }, this.#surroundings.natives));
  }

  native(name: string): Fn | undefined {
    return this.#surroundings.natives.get(name);
  }

  importSource(request: ImportRequest): ImportedSource {
    const { imports } = this.#surroundings;
    if (imports === undefined) throw new Fault('imports are not enabled');
    try {
      return imports(request);
    } catch (error) {
      throw new Fault(error instanceof Error ? error.message : String(error));
    }
  }

  importCode(request: ImportRequest, run: Run): Value {
    const { path, content } = this.importSource(request);
    const thunk = this.#load(`file:${path}`, () => {
      const text = typeof content === 'string' ? content : new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
      return importUnit({ name: path, path, text }, this.#surroundings.natives);
    });
    return thunk.force(run);
  }

  #load(key: string, compile: () => Unit): Thunk {
    this.#loaded ??= new Map();
    let thunk = this.#loaded.get(key);
    if (thunk === undefined) {
      const unit = compile();
      thunk = new Thunk(unit.code, unit.frame());
      this.#loaded.set(key, thunk);
    }
    return thunk;
  }
}

/** A problem of an imported source is an error of the evaluation that says where. */
function importUnit(source: Parameters<typeof compileSource>[0], natives: Natives): Unit {
  try {
    return compileSource(source, natives);
  } catch (error) {
    throw error instanceof JsonnetError ? new Fault(error.summary) : error;
  }
}
