import type { Visibility } from '../syntax/ast.ts';
import { comparePoints } from '../text/code-points.ts';
import { Fault } from './fault.ts';
import { type Field, force, type Layer, Obj, type Retained, type Run, type Slot, type Value } from './value.ts';

/** `object.name` where the search begins at `level`: 0 for the object itself, the next one for `super`. */
export function fieldValue(object: Obj, name: string, at: { level: number; run: Run }): Value {
  const { level, run } = at;
  checkAsserts(object, run);
  if (level >= object.layers.length) throw new Fault('Attempt to use super when there is no super class.');
  const found = findLevel(object, level, name);
  if (found < 0) throw new Fault(`Field does not exist: ${name}`);
  return valueAt(object, found, { name, run });
}

/** The field of an object, found from its last part on. */
export function getField(object: Obj, name: string, run: Run): Value {
  if (object.asserts === 'waiting') checkAsserts(object, run);
  const found = findLevel(object, 0, name);
  if (found < 0) throw new Fault(`Field does not exist: ${name}`);
  return object.cached(found, name) ?? valueAt(object, found, { name, run });
}

export function hasFieldFrom(object: Obj, level: number, name: string): boolean {
  return findLevel(object, level, name) >= 0;
}

function findLevel(object: Obj, from: number, name: string): number {
  const { layers } = object;
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

/** Every field with the visibility that the parts give it together. */
export function visibilities(object: Obj): Map<string, Visibility> {
  const all = new Map<string, Visibility>();
  for (const layer of effectiveLayers(object).reverse()) {
    for (const [name, visibility] of layer.retained?.fields ?? []) mergeVisibility(all, name, visibility);
    for (const { name, visibility } of layer.fields()) mergeVisibility(all, name, visibility);
  }
  return all;
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

/** Names of visible fields, sorted by code point. */
export function visibleNames(object: Obj): readonly string[] {
  return object.visibleNames(() => {
    const names: string[] = [];
    for (const [name, visibility] of visibilities(object)) if (visibility !== 'hidden') names.push(name);
    return names.sort(comparePoints);
  });
}

export function allNames(object: Obj): readonly string[] {
  return [...visibilities(object).keys()].sort(comparePoints);
}

/** `left + right` of objects. */
export function extend(left: Obj, right: Obj, run: Run): Obj {
  run.checkArray(left.layers.length + right.layers.length);
  return new Obj([...right.layers, ...left.layers]);
}

/** What parts have in common that hold no code. */
const inert = { hasAsserts: false, retained: undefined, evaluate: () => null, check: () => undefined };

/** A part whose fields are there: what built-in functions make. */
export function readyLayer(fields: ReadonlyMap<string, Field>): Layer {
  return { ...inert, find: (name) => fields.get(name), fields: () => fields.values() };
}

/** A part that leaves only these fields. */
export function retainedLayer(retained: Retained): Layer {
  return { ...inert, retained, find: () => undefined, fields: () => [] };
}

export function readyObject(members: Iterable<readonly [string, Slot]>): Obj {
  const fields = new Map<string, Field>();
  for (const [name, value] of members) fields.set(name, { name, value, visibility: 'inherit' });
  return new Obj([readyLayer(fields)]);
}
