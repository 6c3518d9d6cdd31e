import { eager, lazy } from '../run/builtin.ts';
import { expectArray, expectFunction, expectInt, expectNumber, expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { Site } from '../run/site.ts';
import { Fn, force, type Items, isItems, type Run, type Slot, typeName, type Value } from '../run/value.ts';
import { elementsOf, laterCalls, stepsPerCall } from './elements.ts';
import { stdFault, within } from './std-fault.ts';

const mapSite = Site.inWords('<std>:280:50-62', 'function <anonymous>');
const indexSite = Site.inWords('<std>:288:50-65', 'function <anonymous>');

/** What a map costs beside its elements: maps of maps keep each of them. */
const stepsPerMap = 20;

export function map(change: Slot, items: Slot, run: Run): Items {
  const fn = force(change, run);
  if (!(fn instanceof Fn)) throw stdFault(`std.map first param must be function, got ${typeName(fn)}`, '276:7-76');
  const value = force(items, run);
  const elements = elementsOf(value, run);
  if (elements === undefined) throw stdFault(`std.map second param must be array / string, got ${typeName(value)}`, '278:7-82');
  run.charge(stepsPerMap + elements.length * stepsPerCall);
  const later = laterCalls(fn, mapSite);
  return elements.map((element) => later([element]));
}

function mapWithIndex(change: Slot, items: Slot, run: Run): Items {
  const fn = force(change, run);
  if (!(fn instanceof Fn)) throw stdFault(`std.mapWithIndex first param must be function, got ${typeName(fn)}`, '284:7-85');
  const value = force(items, run);
  const elements = elementsOf(value, run);
  if (elements === undefined) throw stdFault(`std.mapWithIndex second param must be array, got ${typeName(value)}`, '286:7-82');
  run.charge(stepsPerMap + elements.length * stepsPerCall);
  const later = laterCalls(fn, indexSite);
  return elements.map((element, index) => later([index, element]));
}

function makeArray(size: Value, fn: Value, run: Run): Items {
  const length = expectInt(size);
  const make = expectFunction(fn);
  run.checkLength(length);
  run.charge(Math.max(0, length) * stepsPerCall);
  const later = laterCalls(make, undefined);
  return Array.from({ length: Math.max(0, length) }, (_, index) => later([index]));
}

function range(from: Value, to: Value, run: Run): Items {
  const first = expectInt(from);
  const length = Math.max(0, expectInt(to) - first + 1);
  run.checkArray(length);
  const numbers = new Array<number>(length);
  for (let index = 0; index < length; index += 1) numbers[index] = first + index;
  return numbers;
}

function repeat(what: Value, count: Value, run: Run): Value {
  if (typeof what !== 'string' && !isItems(what)) {
    throw stdFault('std.repeat first argument must be an array or a string', '203:12-74', 'thunk <joiner> from <function <anonymous>>');
  }
  const times = Math.max(
    0,
    within('204:18-60', () => expectInt(count)),
  );
  const length = what.length * times;
  if (typeof what === 'string') {
    run.checkString(length);
    run.chargeCharacters(length);
    return what.repeat(times);
  }
  run.checkLength(length);
  run.charge(times);
  run.chargeElements(length);
  return Array.from({ length: times }, () => what).flat();
}

/** `std.join`: strings with a string between, or arrays with an array between; elements that are `null` are left out. */
export function join(separator: Value, value: Value, run: Run): Value {
  const items = expectArray(value);
  if (typeof separator === 'string') return joinStrings(separator, items, run);
  if (isItems(separator)) return joinArrays(separator, items, run);
  throw new Fault(`join first parameter should be string or array, got ${typeName(separator)}`);
}

export function joinStrings(separator: string, items: Items, run: Run): string {
  run.charge(items.length * 2);
  let text = '';
  let first = true;
  for (const item of items) {
    const part = force(item, run);
    if (part === null) continue;
    text += first ? expectString(part) : separator + expectString(part);
    first = false;
    run.checkString(text.length);
  }
  run.chargeCharacters(text.length);
  return text;
}

function joinArrays(separator: Items, items: Items, run: Run): Items {
  run.chargeElements(items.length);
  const joined: Slot[] = [];
  let first = true;
  for (const item of items) {
    const part = force(item, run);
    if (part === null) continue;
    const elements = expectArray(part);
    run.chargeElements(separator.length + elements.length);
    run.checkLength(joined.length + separator.length + elements.length);
    if (!first) for (const element of separator) joined.push(element);
    for (const element of elements) joined.push(element);
    first = false;
  }
  return joined;
}

function flatten(value: Value, run: Run): Items {
  const joined: Slot[] = [];
  for (const item of within('901:5-46', () => elementsOf(value, run) ?? notFolded(value))) {
    const elements = within('901:5-46', () => within('901:30-35', () => expectArray(force(item, run))));
    run.chargeElements(elements.length);
    run.checkLength(joined.length + elements.length);
    for (const element of elements) joined.push(element);
  }
  return joined;
}

function notFolded(value: Value): never {
  throw new Fault(`foldl second parameter should be string or array, got ${typeName(value)}`);
}

function flattenDeep(value: Value, run: Run): Items {
  if (!isItems(value)) return [value];
  run.enter();
  run.charge(value.length);
  const flat: Slot[] = [];
  for (const item of value) for (const element of flattenDeep(force(item, run), run)) flat.push(element);
  run.checkArray(flat.length);
  run.depth -= 1;
  return flat;
}

function deepJoin(value: Value, run: Run): string {
  if (typeof value === 'string') return value;
  if (!isItems(value)) throw stdFault(`Expected string or array, got ${typeName(value)}`, '347:7-63');
  run.enter();
  run.charge(value.length);
  const text = joinStrings(
    '',
    value.map((item) => deepJoin(force(item, run), run)),
    run,
  );
  run.depth -= 1;
  return text;
}

function sum(value: Value, run: Run): number {
  const items = expectArray(value);
  run.chargeElements(items.length);
  return items.reduce((total: number, item) => total + expectNumber(force(item, run)), 0);
}

export const arrays = {
  map: lazy('func arr', ([fn = null, items = null], run) => map(fn, items, run)),
  mapWithIndex: lazy('func arr', ([fn = null, items = null], run) => mapWithIndex(fn, items, run)),
  makeArray: eager('sz func', ([size = null, fn = null], run) => makeArray(size, fn, run)),
  range: eager('from to', ([from = null, to = null], run) => range(from, to, run)),
  repeat: eager('what count', ([what = null, count = null], run) => repeat(what, count, run)),
  join: eager('sep arr', ([separator = null, items = null], run) => join(separator, items, run)),
  lines: eager('arr', ([items = null], run) => {
    if (!isItems(items) && typeof items !== 'string')
      throw stdFault(`Unexpected type array, expected ${typeName(items)}`, '339:20-30', 'thunk from <function <anonymous>>');
    return isItems(items) ? joinStrings('\n', [...items, ''], run) : within('339:5-31', () => expectArray(`${items}[""]`));
  }),
  deepJoin: eager('arr', ([items = null], run) => deepJoin(items, run)),
  flattenArrays: eager('arrs', ([items = null], run) => flatten(items, run)),
  flattenDeepArray: eager('value', ([value = null], run) => flattenDeep(value, run)),
  reverse: eager('arr', ([items = null], run) => {
    run.chargeElements(expectArray(items).length);
    return [...expectArray(items)].reverse();
  }),
  sum: eager('arr', ([items = null], run) => sum(items, run)),
  avg: eager('arr', ([items = null], run) => {
    const { length } = expectArray(items);
    if (length === 0) throw new Fault('Cannot calculate average of an empty array.');
    return sum(items, run) / length;
  }),
};
