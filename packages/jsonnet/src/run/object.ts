import type { Visibility } from '../syntax/ast.ts';
import { sortPoints } from '../text/code-points.ts';
import { Fault } from './fault.ts';
import { type Field, force, type Layer, Obj, type Retained, type Run, type Slot, type Value } from './value.ts';

/** `object.name` where the search begins at `level`: 0 for the object itself, the next one for `super`. */
export function fieldValue(object: Obj, name: string, at: { level: number; run: Run }): Value {
  const { level, run } = at;
  checkAsserts(object, run);
  if (level >= object.layers.length) throw new Fault('Attempt to use super when there is no super class.');
  const found = findLevel(object, level, { name, run });
  if (found < 0) throw new Fault(`Field does not exist: ${name}`);
  return valueAt(object, found, { name, run });
}

/** The field of an object, found from its last part on. */
export function getField(object: Obj, name: string, run: Run): Value {
  if (object.asserts === 'waiting') checkAsserts(object, run);
  const found = findLevel(object, 0, { name, run });
  if (found < 0) throw new Fault(`Field does not exist: ${name}`);
  return object.cached(found, name) ?? valueAt(object, found, { name, run });
}

export function hasFieldFrom(object: Obj, level: number, at: { name: string; run: Run }): boolean {
  return findLevel(object, level, at) >= 0;
}

/** Parts that are searched without a step of their own; beyond them a step pays for two. */
const freeParts = 3;
const partsPerStep = 2;

function findLevel(object: Obj, from: number, { name, run }: { name: string; run: Run }): number {
  const { layers } = object;
  if (layers.length > from + freeParts) return findFar(object, from, { name, run });
  return search(object, from, name);
}

/** Pays for the parts on the way. */
function findFar(object: Obj, from: number, { name, run }: { name: string; run: Run }): number {
  const found = search(object, from, name);
  run.charge(((found < 0 ? object.layers.length : found) - from) / partsPerStep);
  return found;
}

function search({ layers }: Obj, from: number, name: string): number {
  for (let level = from; level < layers.length; level += 1) {
    const layer = layers[level];
    if (layer === undefined) break;
    // As in the reference a removed key hides its field only from a search that begins there.
    if (layer.retained !== undefined && level === from && !layer.retained.fields.has(name)) level += layer.retained.parts;
    else if (layer.find(name) !== undefined) return level;
  }
  return -1;
}

function valueAt(object: Obj, level: number, at: { name: string; run: Run }): Value {
  const { name, run } = at;
  const cached = object.cached(level, name);
  if (cached !== undefined) return cached;
  const layer = object.layers[level];
  const field = layer?.find(name);
  if (layer === undefined || field === undefined) throw new Fault(`Field does not exist: ${name}`);
  if (field.value !== undefined) return force(field.value, run);
  run.enter();
  run.charge(2);
  const value = layer.evaluate(field, { self: object, level }, run);
  run.depth -= 1;
  object.cache(level, name, value);
  return value;
}

export function checkAsserts(object: Obj, run: Run): void {
  if (object.asserts === 'done') return;
  object.asserts = 'done';
  for (const [level, layer] of object.layers.entries()) if (layer.hasAsserts) layer.check({ self: object, level }, run);
}

/** Every field with the visibility that the parts give it together. Pays for each. */
export function visibilities(object: Obj, run: Run): Map<string, Visibility> {
  const all = new Map<string, Visibility>();
  run.charge(object.layers.length / freeParts);
  for (const layer of effectiveLayers(object).reverse()) {
    for (const [name, visibility] of layer.retained?.fields ?? []) {
      run.charge(stepsPerName);
      mergeVisibility(all, name, visibility);
    }
    for (const { name, visibility } of layer.fields()) {
      run.charge(stepsPerName);
      mergeVisibility(all, name, visibility);
    }
  }
  return all;
}

const stepsPerName = 4;

/** What it costs to find a field by a name that may have been made just now. */
const stepsPerLookUp = 24;

/** The visibility of one field; `undefined` where the object does not have it. */
export function visibilityOf(object: Obj, name: string, run: Run): Visibility | undefined {
  run.charge(stepsPerLookUp + object.layers.length / partsPerStep);
  const [only] = object.layers;
  if (only !== undefined && object.layers.length === 1 && only.retained === undefined) return only.find(name)?.visibility;
  let known: Visibility | undefined;
  for (const layer of effectiveLayers(object)) {
    const visibility = layer.retained === undefined ? layer.find(name)?.visibility : layer.retained.fields.get(name);
    if (visibility !== undefined && visibility !== 'inherit') return visibility;
    known ??= visibility;
  }
  return known;
}

function mergeVisibility(all: Map<string, Visibility>, name: string, visibility: Visibility): void {
  if (visibility !== 'inherit' || !all.has(name)) all.set(name, visibility);
}

/** The parts without those that a removed key stands for. */
function effectiveLayers({ layers }: Obj): Layer[] {
  const effective: Layer[] = [];
  for (let level = 0; level < layers.length; level += 1) {
    const layer = layers[level];
    if (layer === undefined) break;
    effective.push(layer);
    level += layer.retained?.parts ?? 0;
  }
  return effective;
}

/** Names of visible fields, sorted by code point; paid for where they are found first. */
export function visibleNames(object: Obj, run: Run): readonly string[] {
  const { visible } = object;
  if (visible !== undefined) return visible;
  const names: string[] = [];
  for (const [name, visibility] of visibilities(object, run)) if (visibility !== 'hidden') names.push(name);
  object.visible = sortedNames(names, run);
  return object.visible;
}

export function allNames(object: Obj, run: Run): readonly string[] {
  return sortedNames([...visibilities(object, run).keys()], run);
}

function sortedNames(names: string[], run: Run): readonly string[] {
  if (names.length < 2) return names;
  let length = 0;
  for (const name of names) length += name.length;
  run.charge(names.length * Math.log2(names.length));
  run.chargeCharacters(length);
  return sortPoints(names);
}

/** What an object costs beside its fields. */
export const stepsPerObject = 7;

/** `left + right` of objects. */
export function extend(left: Obj, right: Obj, run: Run): Obj {
  const count = left.layers.length + right.layers.length;
  run.checkLength(count);
  run.charge(stepsPerObject + count / freeParts);
  return new Obj(right.layers.concat(left.layers), left.hasAsserts || right.hasAsserts);
}

/** A part whose fields are there: what built-in functions make. */
class ReadyLayer implements Layer {
  readonly hasAsserts = false;
  readonly retained = undefined;
  readonly #fields: ReadonlyMap<string, Field>;

  constructor(fields: ReadonlyMap<string, Field>) {
    this.#fields = fields;
  }

  find(name: string): Field | undefined {
    return this.#fields.get(name);
  }

  fields(): Iterable<Field> {
    return this.#fields.values();
  }

  evaluate(): null {
    return null;
  }

  check(): void {
    // What is there has no assertions.
  }
}

export function readyLayer(fields: ReadonlyMap<string, Field>): Layer {
  return new ReadyLayer(fields);
}

const noFields: ReadonlyMap<string, Field> = new Map();

/** A part that leaves only these fields. */
export function retainedLayer(retained: Retained): Layer {
  return {
    hasAsserts: false,
    retained,
    find: () => undefined,
    fields: () => noFields.values(),
    evaluate: () => null,
    check: () => undefined,
  };
}

/** What an object of ready fields costs, and each field; paid by who makes it. */
export const stepsPerReadyObject = 12;
export const stepsPerReadyField = 4;

/** Members are sorted by their names. */
export function readyObject(members: Iterable<readonly [string, Slot]>): Obj {
  const fields = new Map<string, Field>();
  for (const [name, value] of members) fields.set(name, { name, value, visibility: 'inherit' });
  const object = new Obj([new ReadyLayer(fields)], false);
  object.visible = [...fields.keys()];
  return object;
}
