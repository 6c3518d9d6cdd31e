import { stringText } from '../manifest/json-text.ts';
import { printGoFloat } from '../text/numbers.ts';
import { expectArray, expectNumber, expectObject, finite, unexpected } from './expect.ts';
import { Fault } from './fault.ts';
import { extend } from './object.ts';
import { type Items, isItems, Obj, type Run, type Value } from './value.ts';

export function plus(left: Value, right: Value, run: Run): Value {
  if (typeof left === 'string' || typeof right === 'string') return concat(stringText(left, run), stringText(right, run), run);
  if (typeof left === 'number') return finite(left + expectNumber(right));
  if (left instanceof Obj) return extend(left, expectObject(right), run);
  if (isItems(left)) return concatArrays(left, expectArray(right), run);
  throw unexpected(left);
}

export function concat(left: string, right: string, run: Run): string {
  run.checkString(left.length + right.length);
  return left + right;
}

export function concatArrays(left: Items, right: Items, run: Run): Items {
  run.checkArray(left.length + right.length);
  return left.concat(right);
}

export function divide(left: Value, right: Value): number {
  const dividend = expectNumber(left);
  const divisor = expectNumber(right);
  if (divisor === 0) throw new Fault('Division by zero.');
  return finite(dividend / divisor);
}

export function modulo(left: Value, right: Value): number {
  const dividend = expectNumber(left);
  const divisor = expectNumber(right);
  if (divisor === 0) throw new Fault('Division by zero.');
  return finite(dividend % divisor);
}

type Bitwise = '&' | '|' | '^' | '<<' | '>>';

export function bitwise(operator: Bitwise, left: Value, right: Value): number {
  const a = expectNumber(left);
  const b = expectNumber(right);
  if ((a | 0) === a && (b | 0) === b) {
    if (operator === '&') return a & b;
    if (operator === '|') return a | b;
    if (operator === '^') return a ^ b;
  }
  const wide = [a, b].find((value) => Math.abs(value) > Number.MAX_SAFE_INTEGER);
  if (wide !== undefined) {
    throw new Fault(
      `Bitwise operator argument ${printGoFloat(wide)} outside of range [${-Number.MAX_SAFE_INTEGER}, ${Number.MAX_SAFE_INTEGER}]`,
    );
  }
  if ((operator === '<<' || operator === '>>') && b < 0) throw new Fault('Shift by negative exponent.');
  return Number(BigInt.asIntN(64, applyBits(operator, BigInt(Math.trunc(a)), BigInt(Math.trunc(b)))));
}

function applyBits(operator: Bitwise, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return a << (b % 64n);
    case '>>':
      return a >> (b % 64n);
  }
}

/** `~`: Go truncates what does not fit its integer to the smallest one. */
export function bitNot(value: Value): number {
  const number = Math.trunc(expectNumber(value));
  if (Math.abs(number) >= 2 ** 63) return 2 ** 63;
  return Number(~BigInt(number));
}
