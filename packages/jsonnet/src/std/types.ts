import { stringText } from '../manifest/json-text.ts';
import { eager, lazy } from '../run/builtin.ts';
import { chargePoints } from '../run/charge-points.ts';
import { compare, equals, primitiveEquals } from '../run/compare.ts';
import { unexpected } from '../run/expect.ts';
import { visibleNames } from '../run/object.ts';
import { Fn, force, type Items, isItems, Obj, type Run, type TypeName, typeName, type Value } from '../run/value.ts';
import { pointLength } from '../text/code-points.ts';
import { quoteJson } from '../text/quote.ts';
import { mod } from './mod.ts';
import { slice } from './slice.ts';
import { stdFault } from './std-fault.ts';

/** `std.length`: characters, elements, visible fields, or parameters that must be given. */
export function lengthOf(value: Value, run: Run): number {
  if (typeof value === 'string') {
    chargePoints(value, run);
    return pointLength(value);
  }
  if (isItems(value)) return value.length;
  if (value instanceof Obj) return visibleNames(value, run).length;
  if (value instanceof Fn) return value.parameters.filter(({ required }) => required).length;
  throw unexpected(value);
}

const is = (name: TypeName) => eager('v', ([v = null]) => typeName(v) === name);

/** The order that `std.__compare` defines, which knows fewer types than the operators. */
function order(left: Value, right: Value, run: Run): number {
  const type = typeName(left);
  const other = typeName(right);
  if (type !== other) throw stdFault(`Comparison requires matching types. Got ${type} and ${other}`, '1707:7-75');
  if (isItems(left) && isItems(right)) return orderArrays(left, right, run);
  if (type === 'function' || type === 'object' || type === 'boolean') {
    throw stdFault(`Values of type ${type} are not comparable.`, '1711:7-60');
  }
  return Math.sign(compare(left, right, run));
}

function orderArrays(left: Items, right: Items, run: Run): number {
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    run.enter();
    const result = order(force(left[index] ?? null, run), force(right[index] ?? null, run), run);
    run.depth -= 1;
    if (result !== 0) return result;
  }
  return Math.sign(left.length - right.length);
}

const arrayOrder = (meets: (order: number) => boolean) =>
  eager('arr1 arr2', ([left = null, right = null], run) => meets(order(left, right, run)));

/** What a value is, and how two of them compare. */
export const types = {
  id: eager('x', ([x = null]) => x),
  type: eager('x', ([x = null]) => typeName(x)),
  length: eager('x', ([x = null], run) => lengthOf(x, run)),
  toString: eager('a', ([a = null], run) => stringText(a, run)),
  isString: is('string'),
  isNumber: is('number'),
  isBoolean: is('boolean'),
  isObject: is('object'),
  isArray: is('array'),
  isFunction: is('function'),
  isNull: eager('x', ([x = null]) => x === null),
  equals: eager('x y', ([x = null, y = null], run) => equals(x, y, run)),
  primitiveEquals: eager('x y', ([x = null, y = null]) => primitiveEquals(x, y)),
  assertEqual: eager('a b', ([a = null, b = null], run) => {
    if (equals(a, b, run)) return true;
    const [left, right] = [a, b].map((value) => (typeof value === 'string' ? quoteJson(value) : stringText(value, run)));
    throw stdFault(`Assertion failed. ${left} != ${right}`, '861:7-56');
  }),
  mod: eager('a b', ([a = null, b = null], run) => mod(a, b, run)),
  slice: lazy('indexable index end step', ([target = null, from = null, to = null, step = null], run) =>
    slice(target, { from, to, step }, run),
  ),
  __compare: eager('v1 v2', ([left = null, right = null], run) => order(left, right, run)),
  __compare_array: eager('arr1 arr2', ([left = null, right = null], run) => order(left, right, run)),
  __array_less: arrayOrder((result) => result < 0),
  __array_greater: arrayOrder((result) => result > 0),
  __array_less_or_equal: arrayOrder((result) => result <= 0),
  __array_greater_or_equal: arrayOrder((result) => result >= 0),
};
