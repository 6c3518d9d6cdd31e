import type { Unit } from '../compile/compile-source.ts';
import type { Json } from '../json.ts';
import { defaultLimits, type Limits } from '../limits.ts';
import { compact, jsonText, lines } from '../manifest/json-text.ts';
import { documents, files, textFiles } from '../manifest/outputs.ts';
import { toPlain } from '../manifest/plain.ts';
import type { Inputs, Program } from '../program.ts';
import { asFault, Fault, passing } from '../run/fault.ts';
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
    try {
      const value = this.#value(evaluation, run, inputs);
      return at(duringManifestation, () => manifest(value, run));
    } catch (error) {
      const fault = asFault(error);
      throw fault instanceof Fault ? fault.toError() : fault;
    }
  }

  #value(evaluation: Evaluation, run: Run, inputs: Inputs): Value {
    const value = at(duringEvaluation, () => {
      run.enter();
      const result = this.#unit.code(this.#unit.frame(), run);
      run.depth -= 1;
      return result;
    });
    if (!(value instanceof Fn)) return value;
    return at(duringCall, () => {
      const named = Object.entries(inputs.arguments ?? {}).map(([name, external]) => {
        const slot: Slot =
          external.type === 'text' ? external.value.toWellFormed() : evaluation.inputThunk(external.source, 'top-level-arg', name);
        return { name, value: slot };
      });
      return value.invoke(arrange(value.parameters, [], named), run, false);
    });
  }
}

function plainText(value: Value, run: Run): string {
  if (typeof value !== 'string') throw new Fault(`expected string result, got: ${typeName(value)}`);
  run.output(value.length);
  return `${value}\n`;
}

function at<Result>(site: Site, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw passing(error, site);
  }
}
