import type { Unit } from '../compile/compile-source.ts';
import type { Json } from '../json.ts';
import { defaultLimits, type Limits } from '../limits.ts';
import { compact, jsonText, lines } from '../manifest/json-text.ts';
import { documents, files, textFiles } from '../manifest/outputs.ts';
import { toPlain } from '../manifest/plain.ts';
import type { Inputs, Program } from '../program.ts';
import { Fault, passing } from '../run/fault.ts';
import { arrange } from '../run/functions.ts';
import { Site } from '../run/site.ts';
import { Fn, Run, type Slot, typeName, type Value } from '../run/value.ts';
import { Evaluation, type Surroundings } from './evaluation.ts';

const noInputs: Inputs = {};
const duringEvaluation = Site.inWords('During evaluation');
const duringCall = Site.inWords('Top-level function call');
const duringManifestation = Site.inWords('During manifestation');

export class CompiledProgram implements Program {
  readonly #unit: Unit;
  readonly #surroundings: Surroundings;

  constructor(unit: Unit, surroundings: Surroundings) {
    this.#unit = unit;
    this.#surroundings = surroundings;
  }

  evaluate(inputs?: Inputs, limits?: Partial<Limits>): Json {
    return this.#finish(toPlain, inputs, limits);
  }

  toJson(inputs?: Inputs, limits?: Partial<Limits>): string {
    return this.#finish((value, run) => `${jsonText(value, lines, run)}\n`, inputs, limits);
  }

  toCompactJson(inputs?: Inputs, limits?: Partial<Limits>): string {
    return this.#finish((value, run) => jsonText(value, compact, run), inputs, limits);
  }

  toText(inputs?: Inputs, limits?: Partial<Limits>): string {
    return this.#finish(plainText, inputs, limits);
  }

  toFiles(inputs?: Inputs, limits?: Partial<Limits>): ReadonlyMap<string, string> {
    return this.#finish(files, inputs, limits);
  }

  toTextFiles(inputs?: Inputs, limits?: Partial<Limits>): ReadonlyMap<string, string> {
    return this.#finish(textFiles, inputs, limits);
  }

  toDocuments(inputs?: Inputs, limits?: Partial<Limits>): readonly string[] {
    return this.#finish(documents, inputs, limits);
  }

  #finish<Result>(manifest: (value: Value, run: Run) => Result, inputs: Inputs = noInputs, limits?: Partial<Limits>): Result {
    const evaluation = new Evaluation(this.#surroundings, inputs);
    const run = new Run(limits === undefined ? defaultLimits : { ...defaultLimits, ...limits }, evaluation);
    let site = duringEvaluation;
    try {
      run.enter();
      let value = this.#unit.code(this.#unit.frame(), run);
      run.depth -= 1;
      if (value instanceof Fn) {
        site = duringCall;
        value = callWith(value, evaluation, { run, inputs });
      }
      site = duringManifestation;
      return manifest(value, run);
    } catch (error) {
      const fault = passing(error, site);
      throw fault instanceof Fault ? fault.toError() : fault;
    }
  }
}

/** Calls the program's value with the top-level arguments. */
function callWith(fn: Fn, evaluation: Evaluation, { run, inputs }: { run: Run; inputs: Inputs }): Value {
  const named = Object.entries(inputs.arguments ?? {}).map(([name, external]) => {
    const value: Slot =
      external.type === 'text' ? external.value.toWellFormed() : evaluation.inputThunk(external.source, 'top-level-arg', name);
    return { name, value };
  });
  return fn.invoke(arrange(fn.parameters, [], named), run, false);
}

function plainText(value: Value, run: Run): string {
  if (typeof value !== 'string') throw new Fault(`expected string result, got: ${typeName(value)}`);
  run.output(value.length);
  return `${value}\n`;
}
