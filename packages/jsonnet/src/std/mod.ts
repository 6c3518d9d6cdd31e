import { modulo } from '../run/operators.ts';
import { type Run, typeName, type Value } from '../run/value.ts';
import { format } from './format.ts';
import { stdFault, within } from './std-fault.ts';

/** `left % right`: the remainder of numbers, or a format with its values. */
export function mod(left: Value, right: Value, run: Run): Value {
  if (typeof left === 'string') return within('261:7-23', () => format(left, right, run));
  if (typeof left === 'number' && typeof right === 'number') return within('259:7-23', () => modulo(left, right));
  throw stdFault(`Operator % cannot be used on types ${typeName(left)} and ${typeName(right)}.`, '263:7-94');
}
