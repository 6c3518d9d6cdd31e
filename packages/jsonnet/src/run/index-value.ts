import { pointAt, pointLength } from '../text/code-points.ts';
import { chargePoints } from './charge-points.ts';
import { expectNumber, expectString } from './expect.ts';
import { Fault } from './fault.ts';
import { getField } from './object.ts';
import { Fn, force, isItems, Obj, type Run, type Value } from './value.ts';

/** `target[index]`. */
export function indexValue(target: Value, index: Value, run: Run): Value {
  if (target instanceof Obj) return getField(target, expectString(index), run);
  if (typeof target === 'string') {
    const at = Math.trunc(expectNumber(index));
    chargePoints(target, run);
    const length = pointLength(target);
    checkBounds(at, length);
    return pointAt(target, at);
  }
  if (isItems(target)) {
    const at = Math.trunc(expectNumber(index));
    checkBounds(at, target.length);
    return force(target[at] ?? null, run);
  }
  throw new Fault(`Value non indexable: *jsonnet.value${typeWord(target)}`);
}

function checkBounds(index: number, length: number): void {
  if (index < 0 || index >= length) throw new Fault(`Index ${printIndex(index)} out of bounds, not within [0, ${length})`);
}

function typeWord(value: null | boolean | number | Fn): string {
  if (value === null) return 'Null';
  if (value instanceof Fn) return 'Function';
  return typeof value === 'number' ? 'Number' : 'Boolean';
}

/** Numbers that do not fit become the smallest integer, as in Go. */
function printIndex(index: number): string {
  return Math.abs(index) >= 2 ** 63 ? '-9223372036854775808' : BigInt(index).toString();
}
