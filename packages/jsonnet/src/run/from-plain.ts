import type { Json } from '../json.ts';
import { Fault } from './fault.ts';
import { stepsPerObject, stepsPerReadyField } from './object.ts';
import { type Field, type Layer, Obj, type Run, type Slot, type Value } from './value.ts';

/** Data of the host as a value. Objects are read when their fields are; arrays at once, so they are paid for. */
export function fromPlain(plain: Json, run: Run): Value {
  if (plain === null || typeof plain === 'boolean') return plain;
  if (typeof plain === 'string') return plain.toWellFormed();
  if (typeof plain === 'number') {
    if (Number.isFinite(plain)) return plain;
    throw new Fault(Number.isNaN(plain) ? 'Not a number' : 'Overflow');
  }
  if (isArray(plain)) {
    run.checkLength(plain.length);
    run.charge(1 + plain.length);
    return plain.map((item): Slot => fromPlain(item, run));
  }
  if (typeof plain !== 'object') throw new Fault(`Not a json type: ${typeof plain}`);
  run.charge(stepsPerObject);
  return new Obj([new PlainLayer(plain, run)], false);
}

function isArray(plain: Json): plain is readonly Json[] {
  return Array.isArray(plain);
}

class PlainLayer implements Layer {
  readonly hasAsserts = false;
  readonly retained = undefined;
  readonly #record: { readonly [name: string]: Json };
  readonly #run: Run;
  #fields: Map<string, Field> | undefined;

  constructor(record: { readonly [name: string]: Json }, run: Run) {
    this.#record = record;
    this.#run = run;
  }

  find(name: string): Field | undefined {
    const known = this.#fields?.get(name);
    if (known !== undefined) return known;
    if (!Object.hasOwn(this.#record, name)) return undefined;
    const value = this.#record[name];
    if (value === undefined) return undefined;
    const field: Field = { name, value: fromPlain(value, this.#run), visibility: 'inherit' };
    this.#fields ??= new Map();
    this.#run.charge(stepsPerReadyField);
    this.#fields.set(name, field);
    return field;
  }

  *fields(): Iterable<Field> {
    const names = Object.keys(this.#record);
    this.#run.charge(names.length);
    for (const name of names) {
      const field = this.find(name);
      if (field !== undefined) yield field;
    }
  }

  evaluate(): null {
    return null;
  }

  check(): void {
    // Data has no assertions.
  }
}
