import { stringText } from '../manifest/json-text.ts';
import { eager, lazy } from '../run/builtin.ts';
import { equals } from '../run/compare.ts';
import { expectArray, expectInt, expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { force, type Items, isItems, type Run, type Slot, typeName, type Value } from '../run/value.ts';
import { stdFault, within } from './std-fault.ts';

function has(items: Items, wanted: Value, run: Run): boolean {
  return indexOf(items, wanted, run) >= 0;
}

function indexOf(items: Items, wanted: Value, run: Run): number {
  run.chargeElements(items.length);
  return items.findIndex((item) => equals(force(item, run), wanted, run));
}

function member(value: Value, wanted: Value, run: Run): boolean {
  if (isItems(value)) return has(value, wanted, run);
  if (typeof value !== 'string') throw new Fault('std.member first argument must be an array or a string');
  run.chargeCharacters(value.length);
  return value.includes(expectString(wanted));
}

/** The value that is looked for is not needed where there is nothing to compare it with. */
function find(wanted: Slot, items: Value, run: Run): Items {
  if (!isItems(items)) throw stdFault(`find second parameter should be an array, got ${typeName(items)}`, '1668:7-77');
  run.chargeElements(items.length);
  const found: number[] = [];
  for (const [index, item] of items.entries()) if (equals(force(item, run), force(wanted, run), run)) found.push(index);
  return found;
}

/** `std.all` and `std.any`: stops at the first element that is `decisive`. */
function search(value: Value, decisive: boolean, run: Run): boolean {
  const name = decisive ? 'any' : 'all';
  const [whole, loop, end] = decisive
    ? ['(1688:5)-(1700:11)', '(1695:9)-(1699:23)', '1700:5-11']
    : ['(1673:5)-(1685:11)', '(1680:9)-(1684:23)', '1685:5-11'];
  if (!isItems(value)) throw stdFault(`${name}() parameter should be an array, got ${typeName(value)}`, whole, '');
  run.chargeElements(value.length);
  for (const item of value) {
    const element = force(item, run);
    if (typeof element !== 'boolean') {
      const problem = `element "${stringText(element, run)}" of type ${typeName(element)} is not a boolean`;
      throw within(end, () => {
        throw stdFault(problem, loop, '');
      });
    }
    if (element === decisive) return decisive;
  }
  return !decisive;
}

function removeAt(value: Value, at: Value, run: Run): Items {
  const items = expectArray(value);
  const index = expectInt(at);
  if (index < 0 || index >= items.length) throw new Fault(`Index ${index} out of bounds, not within [0, ${items.length})`);
  run.checkArray(items.length);
  return items.toSpliced(index, 1);
}

export const searches = {
  member: eager('arr x', ([items = null, wanted = null], run) => member(items, wanted, run)),
  contains: eager('arr elem', ([items = null, wanted = null], run) => has(expectArray(items), wanted, run)),
  count: lazy('arr x', ([items = null, wanted = null], run) => {
    const found = within('255:19-66', () => within('255:30-65', () => expectArray(force(items, run)), 'thunk from <function <anonymous>>'));
    return find(wanted, found, run).length;
  }),
  find: lazy('value arr', ([wanted = null, items = null], run) => find(wanted, force(items, run), run)),
  all: eager('arr', ([items = null], run) => search(items, false, run)),
  any: eager('arr', ([items = null], run) => search(items, true, run)),
  remove: eager('arr elem', ([items = null, wanted = null], run) => {
    const index = indexOf(expectArray(items), wanted, run);
    return index < 0 ? items : removeAt(items, index, run);
  }),
  removeAt: eager('arr i', ([items = null, at = null], run) => removeAt(items, at, run)),
};
