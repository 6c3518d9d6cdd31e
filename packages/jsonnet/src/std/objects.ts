import { eager, lazy } from '../run/builtin.ts';
import { expectBoolean, expectObject, expectString } from '../run/expect.ts';
import { passing } from '../run/fault.ts';
import { call } from '../run/functions.ts';
import {
  allNames,
  getField,
  readyObject,
  retainedLayer,
  stepsPerReadyField,
  stepsPerReadyObject,
  visibilities,
  visibilityOf,
  visibleNames,
} from '../run/object.ts';
import { Site } from '../run/site.ts';
import { Fn, force, type Items, Obj, type Run, type Slot, type Thunk, typeName, type Value } from '../run/value.ts';
import { later, stepsPerCall } from './elements.ts';
import { stdFault, within } from './std-fault.ts';

function names(value: Value, hidden: boolean, run: Run): readonly string[] {
  const object = expectObject(value);
  const found = hidden ? allNames(object, run) : visibleNames(object, run);
  run.checkArray(found.length);
  return found;
}

function has(value: Value, name: Value, { hidden, run }: { hidden: boolean; run: Run }): boolean {
  const visibility = visibilityOf(expectObject(value), expectString(name), run);
  return visibility !== undefined && (hidden || visibility !== 'hidden');
}

/** A field that is read when it is needed; `site` is where the reference's own code reads it. */
function laterField(object: Obj, name: string, site: Site): Thunk {
  return later((run) => {
    try {
      return getField(object, name, run);
    } catch (error) {
      throw passing(error, site);
    }
  });
}

function values(value: Value, hidden: boolean, run: Run): Items {
  const [line, all] = hidden ? ['1585', 1573] : ['1582', 1570];
  const found = within(
    `${line}:5-${hidden ? 43 : 40}`,
    () => within(`${line}:20-${hidden ? 42 : 39}`, () => within(`${all}:5-${hidden ? 32 : 33}`, () => names(value, hidden, run))),
    '',
  );
  const object = expectObject(value);
  const site = Site.inWords(`<std>:${line}:6-10`, 'thunk from <function <anonymous>>');
  run.charge(found.length * stepsPerCall);
  return found.map((name) => laterField(object, name, site));
}

function keysValues(value: Value, hidden: boolean, run: Run): Items {
  const object = expectObject(value);
  const site = Site.inWords(hidden ? '<std>:1591:24-28' : '<std>:1588:24-28', 'object <anonymous>');
  const found = names(value, hidden, run);
  run.charge(found.length * (stepsPerReadyObject + 2 * stepsPerReadyField + stepsPerCall));
  return found.map((key) =>
    readyObject([
      ['key', key],
      ['value', laterField(object, key, site)],
    ]),
  );
}

function get(args: readonly (Slot | undefined)[], run: Run): Value {
  const [target = null, key = null, fallback = null, hidden = true] = args;
  const object = force(target, run);
  const name = force(key, run);
  const found = within('1567:8-41', () => has(object, name, { hidden: expectBoolean(force(hidden, run)), run }));
  if (!found) return force(fallback, run);
  return within('1567:47-51', () => getField(expectObject(object), expectString(name), run));
}

const keySite = Site.inWords('<std>:296:14-29', 'object <anonymous>');
const valueSite = Site.inWords('<std>:296:22-28', 'thunk from <object <anonymous>>');

function mapWithKey([change = null, target = null]: readonly (Slot | undefined)[], run: Run): Value {
  const fn = force(change, run);
  if (!(fn instanceof Fn)) throw stdFault(`std.mapWithKey first param must be function, got ${typeName(fn)}`, '292:7-83');
  const object = force(target, run);
  if (!(object instanceof Obj)) throw stdFault(`std.mapWithKey second param must be object, got ${typeName(object)}`, '294:7-81');
  const found = names(object, false, run);
  run.charge(found.length * (stepsPerReadyField + 2 * stepsPerCall));
  return readyObject(
    found.map((name) => [
      name,
      later((inner) => {
        try {
          return call(fn, [name, laterField(object, name, valueSite)], inner);
        } catch (error) {
          throw passing(error, keySite);
        }
      }),
    ]),
  );
}

function removeKey(value: Value, name: Value, run: Run): Value {
  const object = expectObject(value);
  const retained = visibilities(object, run);
  run.charge(3 * retained.size);
  retained.delete(expectString(name));
  return new Obj([retainedLayer({ fields: retained, parts: object.layers.length }), ...object.layers]);
}

export const objects = {
  objectFields: eager('o', ([o = null], run) => within('1570:5-33', () => names(o, false, run))),
  objectFieldsAll: eager('o', ([o = null], run) => within('1573:5-32', () => names(o, true, run))),
  objectFieldsEx: eager('obj hidden', ([o = null, hidden = null], run) => {
    expectObject(o);
    return names(o, expectBoolean(hidden), run);
  }),
  objectHas: eager('o f', ([o = null, name = null], run) => within('1576:5-33', () => has(o, name, { hidden: false, run }))),
  objectHasAll: eager('o f', ([o = null, name = null], run) => within('1579:5-32', () => has(o, name, { hidden: true, run }))),
  objectHasEx: eager('obj fname hidden', ([o = null, name = null, hidden = null], run) => {
    expectObject(o);
    expectString(name);
    return has(o, name, { hidden: expectBoolean(hidden), run });
  }),
  objectValues: eager('o', ([o = null], run) => values(o, false, run)),
  objectValuesAll: eager('o', ([o = null], run) => values(o, true, run)),
  objectKeysValues: eager('o', ([o = null], run) => keysValues(o, false, run)),
  objectKeysValuesAll: eager('o', ([o = null], run) => keysValues(o, true, run)),
  objectRemoveKey: eager('obj key', ([o = null, name = null], run) => removeKey(o, name, run)),
  get: lazy('o f default? inc_hidden?', get),
  mapWithKey: lazy('func obj', mapWithKey),
};
