import { printGoFloat } from '../text/numbers.ts';
import { Fault } from './fault.ts';
import { Fn, type Items, isItems, Obj, type TypeName, typeName, type Value } from './value.ts';

function wrongType(value: Value, expected: TypeName): Fault {
  return new Fault(`Unexpected type ${typeName(value)}, expected ${expected}`);
}

export function unexpected(value: Value): Fault {
  return new Fault(`Unexpected type ${typeName(value)}`);
}

export function expectNumber(value: Value): number {
  if (typeof value === 'number') return value;
  throw wrongType(value, 'number');
}

export function expectString(value: Value): string {
  if (typeof value === 'string') return value;
  throw wrongType(value, 'string');
}

export function expectBoolean(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  throw wrongType(value, 'boolean');
}

export function expectArray(value: Value): Items {
  if (isItems(value)) return value;
  throw wrongType(value, 'array');
}

export function expectObject(value: Value): Obj {
  if (value instanceof Obj) return value;
  throw wrongType(value, 'object');
}

export function expectFunction(value: Value): Fn {
  if (value instanceof Fn) return value;
  throw wrongType(value, 'function');
}

/** A result of arithmetic: neither NaN nor infinite. */
export function finite(value: number): number {
  if (value - value === 0) return value;
  throw new Fault(Number.isNaN(value) ? 'Not a number' : 'Overflow');
}

/** A whole number of 32 bits. */
export function expectInt(value: Value): number {
  const number = expectNumber(value);
  const int = number | 0;
  if (int !== number) throw new Fault(`Expected an integer, but got ${printGoFloat(number)}`);
  return int;
}
