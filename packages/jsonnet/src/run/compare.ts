import { comparePoints } from '../text/code-points.ts';
import { expectArray, expectNumber, expectString, unexpected } from './expect.ts';
import { Fault } from './fault.ts';
import { getField, visibleNames } from './object.ts';
import { Fn, force, type Items, isItems, Obj, type Run, typeName, type Value } from './value.ts';

/** `==`; functions cannot be compared with functions. */
export function equals(left: Value, right: Value, run: Run): boolean {
  if (typeof left === 'string' && typeof right === 'string') {
    if (left.length !== right.length) return false;
    run.chargeCharacters(left.length);
    return left === right;
  }
  if (left instanceof Obj) return right instanceof Obj && equalObjects(left, right, run);
  if (isItems(left)) return isItems(right) && equalArrays(left, right, run);
  if (left instanceof Fn && right instanceof Fn) throw new Fault('Cannot test equality of functions');
  return left === right;
}

function equalArrays(left: Items, right: Items, run: Run): boolean {
  if (left.length !== right.length) return false;
  run.enter();
  for (let index = 0; index < left.length; index += 1) {
    run.charge(1);
    if (!equals(force(left[index] ?? null, run), force(right[index] ?? null, run), run)) return false;
  }
  run.depth -= 1;
  return true;
}

/** What it costs to find a field in both. */
const stepsPerField = 3;

function equalObjects(left: Obj, right: Obj, run: Run): boolean {
  const names = visibleNames(left, run);
  const others = visibleNames(right, run);
  run.chargeElements(names.length);
  if (names.length !== others.length || names.some((name, index) => name !== others[index])) return false;
  run.enter();
  for (const name of names) {
    run.charge(stepsPerField);
    if (!equals(getField(left, name, run), getField(right, name, run), run)) return false;
  }
  run.depth -= 1;
  return true;
}

/** Order of numbers, strings and arrays: negative, 0 or positive. */
export function compare(left: Value, right: Value, run: Run): number {
  if (typeof left === 'number') {
    const other = expectNumber(right);
    return left < other ? -1 : left > other ? 1 : 0;
  }
  if (typeof left === 'string') {
    const other = expectString(right);
    run.chargeCharacters(Math.min(left.length, other.length));
    return comparePoints(left, other);
  }
  if (isItems(left)) return compareArrays(left, expectArray(right), run);
  throw unexpected(left);
}

function compareArrays(left: Items, right: Items, run: Run): number {
  run.enter();
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    run.charge(1);
    const order = compare(force(left[index] ?? null, run), force(right[index] ?? null, run), run);
    if (order !== 0) {
      run.depth -= 1;
      return order;
    }
  }
  run.depth -= 1;
  return left.length - right.length;
}

/** `==` of values that are neither arrays nor objects. */
export function primitiveEquals(left: Value, right: Value): boolean {
  if (typeName(left) !== typeName(right)) return false;
  if (left instanceof Fn) throw new Fault('Cannot test equality of functions');
  if (left instanceof Obj || isItems(left)) throw new Fault(`primitiveEquals operates on primitive types, got ${typeName(left)}`);
  return left === right;
}
