import { eager, lazy } from '../run/builtin.ts';
import { expectArray, expectBoolean, expectFunction, expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { call } from '../run/functions.ts';
import { Fn, force, type Items, isItems, type Run, type Slot, typeName, type Value } from '../run/value.ts';
import { map } from './arrays.ts';
import { elementsOf } from './elements.ts';
import { stdFault, within } from './std-fault.ts';

/** Elements of an array or characters of a string. */
export function foldable(value: Value, name: string, run: Run): readonly Slot[] {
  const elements = elementsOf(value, run);
  if (elements === undefined) throw new Fault(`${name} second parameter should be string or array, got ${typeName(value)}`);
  return elements;
}

function filter(test: Value, value: Value, run: Run): Items {
  const items = expectArray(value);
  const fn = expectFunction(test);
  run.chargeElements(items.length);
  return items.filter((item) => expectBoolean(call(fn, [item], run)));
}

function filterMap(args: readonly (Slot | undefined)[], run: Run): Items {
  const [first = null, second = null, third = null] = args;
  const test = force(first, run);
  if (!(test instanceof Fn)) throw stdFault(`std.filterMap first param must be function, got ${typeName(test)}`, '845:7-89');
  const change = force(second, run);
  if (!(change instanceof Fn)) throw stdFault(`std.filterMap second param must be function, got ${typeName(change)}`, '847:7-87');
  const items = force(third, run);
  if (!isItems(items)) throw stdFault(`std.filterMap third param must be array, got ${typeName(items)}`, '849:7-78');
  return map(
    change,
    within('851:7-51', () => filter(test, items, run)),
    run,
  );
}

/** What an array that is joined costs beside its call and its elements. */
const stepsPerPart = 2;

function flatMap(change: Value, value: Value, run: Run): Value {
  const fn = expectFunction(change);
  const elements = elementsOf(value, run);
  if (elements === undefined) throw new Fault(`std.flatMap second param must be array / string, got ${typeName(value)}`);
  if (typeof value === 'string') {
    let text = '';
    for (const element of elements) {
      text += expectString(call(fn, [element], run));
      run.checkString(text.length);
    }
    return text;
  }
  const joined: Slot[] = [];
  for (const element of elements) {
    const part = expectArray(call(fn, [element], run));
    run.charge(stepsPerPart);
    run.chargeElements(part.length);
    run.checkLength(joined.length + part.length);
    for (let index = 0; index < part.length; index += 1) joined.push(part[index] ?? null);
  }
  return joined;
}

export const folds = {
  filter: eager('func arr', ([test = null, items = null], run) => filter(test, items, run)),
  filterMap: lazy('filter_func map_func arr', filterMap),
  flatMap: eager('func arr', ([change = null, items = null], run) => flatMap(change, items, run)),
  foldl: eager('func arr init', ([fn = null, items = null, init = null], run) => {
    const step = expectFunction(fn);
    return foldable(items, 'foldl', run).reduce((value: Value, item) => call(step, [value, item], run), init);
  }),
  foldr: eager('func arr init', ([fn = null, items = null, init = null], run) => {
    const step = expectFunction(fn);
    return foldable(items, 'foldr', run).reduceRight((value: Value, item) => call(step, [item, value], run), init);
  }),
};
