import { eager, lazy } from '../run/builtin.ts';
import { getField, readyObject, stepsPerReadyField, stepsPerReadyObject, visibleNames } from '../run/object.ts';
import { force, isItems, Obj, type Run, type Slot, type Value } from '../run/value.ts';
import { comparePoints } from '../text/code-points.ts';
import { later } from './elements.ts';

/** RFC 7396; fields of the result are computed when they are needed. */
function mergePatch(old: Slot, patch: Value, run: Run): Value {
  if (!(patch instanceof Obj)) return patch;
  run.enter();
  const target = force(old, run);
  const merged = target instanceof Obj ? mergeObjects(target, patch, run) : mergeObjects(nothing, patch, run);
  run.depth -= 1;
  return merged;
}

const nothing = readyObject([]);

/** Walks through the names of both, which are sorted. */
function mergeObjects(base: Obj, patch: Obj, run: Run): Obj {
  const names = visibleNames(base, run);
  const changes = visibleNames(patch, run);
  run.charge(stepsPerReadyObject + (names.length + changes.length) * (stepsPerReadyField + 16));
  const members: [string, Slot][] = [];
  let at = 0;
  for (const change of changes) {
    for (let name = names[at]; name !== undefined && comparePoints(name, change) < 0; name = names[at]) {
      members.push([name, kept(base, name)]);
      at += 1;
    }
    const isKnown = names[at] === change;
    if (isKnown) at += 1;
    if (getField(patch, change, run) !== null) members.push([change, patched(isKnown ? base : undefined, patch, change)]);
  }
  for (const name of names.slice(at)) members.push([name, kept(base, name)]);
  return readyObject(members);
}

function kept(base: Obj, name: string): Slot {
  return later((run) => getField(base, name, run));
}

function patched(base: Obj | undefined, patch: Obj, name: string): Slot {
  return later((run) => mergePatch(base === undefined ? null : getField(base, name, run), getField(patch, name, run), run));
}

/** Without `null`, and without arrays and objects that are empty then. */
function prune(value: Value, run: Run): Value {
  if (!isItems(value) && !(value instanceof Obj)) return value;
  run.enter();
  run.charge(7);
  const pruned = isItems(value) ? pruneItems(value, run) : pruneObject(value, run);
  run.depth -= 1;
  return pruned;
}

function pruneItems(items: readonly Slot[], run: Run): Value {
  run.checkArray(items.length);
  const kept: Slot[] = [];
  for (const item of items) {
    const pruned = prune(force(item, run), run);
    if (hasContent(pruned, run)) kept.push(pruned);
  }
  return kept;
}

function pruneObject(object: Obj, run: Run): Value {
  const kept: [string, Slot][] = [];
  run.charge(stepsPerReadyObject + visibleNames(object, run).length * stepsPerReadyField);
  for (const name of visibleNames(object, run)) {
    const pruned = prune(getField(object, name, run), run);
    if (hasContent(pruned, run)) kept.push([name, pruned]);
  }
  return readyObject(kept);
}

function hasContent(value: Value, run: Run): boolean {
  if (value instanceof Obj) return visibleNames(value, run).length > 0;
  return isItems(value) ? value.length > 0 : value !== null;
}

export const merging = {
  mergePatch: lazy('target patch', ([target = null, patch = null], run) => mergePatch(target, force(patch, run), run)),
  prune: eager('a', ([value = null], run) => prune(value, run)),
};
