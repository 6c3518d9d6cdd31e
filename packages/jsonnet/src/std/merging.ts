import { eager, lazy } from '../run/builtin.ts';
import { getField, readyObject, visibleNames } from '../run/object.ts';
import { force, isItems, Obj, type Run, type Slot, type Value } from '../run/value.ts';
import { later } from './elements.ts';

/** RFC 7396; fields of the result are computed when they are needed. */
function mergePatch(old: Slot, patch: Value, run: Run): Value {
  if (!(patch instanceof Obj)) return patch;
  run.enter();
  const target = force(old, run);
  const base = target instanceof Obj ? target : undefined;
  const names = new Set(base === undefined ? [] : visibleNames(base));
  const members = new Map<string, Slot>();
  run.charge(names.size + visibleNames(patch).length);
  for (const name of names) members.set(name, base === undefined ? null : later((inner) => getField(base, name, inner)));
  for (const name of visibleNames(patch)) {
    if (getField(patch, name, run) === null) members.delete(name);
    else members.set(name, patched(names.has(name) ? base : undefined, patch, name));
  }
  run.depth -= 1;
  return readyObject(members);
}

function patched(base: Obj | undefined, patch: Obj, name: string): Slot {
  return later((run) => mergePatch(base === undefined ? null : getField(base, name, run), getField(patch, name, run), run));
}

/** Without `null`, and without arrays and objects that are empty then. */
function prune(value: Value, run: Run): Value {
  if (!isItems(value) && !(value instanceof Obj)) return value;
  run.enter();
  run.charge(2);
  const pruned = isItems(value) ? pruneItems(value, run) : pruneObject(value, run);
  run.depth -= 1;
  return pruned;
}

function pruneItems(items: readonly Slot[], run: Run): Value {
  run.checkArray(items.length);
  const kept: Slot[] = [];
  for (const item of items) {
    const pruned = prune(force(item, run), run);
    if (hasContent(pruned)) kept.push(pruned);
  }
  return kept;
}

function pruneObject(object: Obj, run: Run): Value {
  const kept: [string, Slot][] = [];
  run.checkArray(visibleNames(object).length);
  for (const name of visibleNames(object)) {
    const pruned = prune(getField(object, name, run), run);
    if (hasContent(pruned)) kept.push([name, pruned]);
  }
  return readyObject(kept);
}

function hasContent(value: Value): boolean {
  if (value instanceof Obj) return visibleNames(value).length > 0;
  return isItems(value) ? value.length > 0 : value !== null;
}

export const merging = {
  mergePatch: lazy('target patch', ([target = null, patch = null], run) => mergePatch(target, force(patch, run), run)),
  prune: eager('a', ([value = null], run) => prune(value, run)),
};
