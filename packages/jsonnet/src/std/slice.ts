import { stringText } from '../manifest/json-text.ts';
import { chargePoints } from '../run/charge-points.ts';
import { compare } from '../run/compare.ts';
import { expectNumber } from '../run/expect.ts';
import { isItems, type Run, type Slot, typeName, type Value } from '../run/value.ts';
import { pointAt, pointCost, pointLength, pointSlice } from '../text/code-points.ts';
import { stdFault } from './std-fault.ts';

const place = '(234:5)-(246:66)';

/** `std.slice`: bounds count from the end where they are negative, `null` stands for the default. */
export function slice(target: Value, bounds: { from: Value; to: Value; step: Value }, run: Run): Value {
  const { from, to } = bounds;
  const step = bounds.step === null ? 1 : expectNumber(bounds.step);
  if (step < 0) {
    const parts = [from ?? 0, to ?? sizeOf(target), step].map((part) => stringText(part, run));
    throw stdFault(`got [${parts.join(':')}] but negative steps are not supported`, place, '');
  }
  if (step === 0) throw stdFault(`got 0 but step must be greater than 0`, place, '');
  if (typeof target !== 'string' && !isItems(target)) {
    throw stdFault(`std.slice accepts a string or an array, but got: ${typeName(target)}`, place, '');
  }
  if (typeof target === 'string') chargePoints(target, run);
  const length = sizeOf(target);
  const first = from === null ? 0 : bound(from, run);
  const last = to === null ? length : bound(to, run);
  const begin = first < 0 ? Math.max(0, length + first) : first;
  const end = Math.min(last < 0 ? length + last : last, length);
  if (typeof target === 'string' && step === 1) {
    return begin < end ? pointSlice(target, Math.trunc(begin), Math.trunc(begin) + Math.ceil(end - begin)) : '';
  }
  const size = Math.max(0, Math.ceil((end - begin) / step));
  run.checkArray(size);
  if (typeof target !== 'string' && step === 1) return target.slice(Math.trunc(begin), Math.trunc(begin) + size);
  // A long text is walked through for each character.
  if (typeof target === 'string') run.chargeCharacters(target.length > 4096 ? size * target.length * pointCost(target) : 0);
  const picked: Slot[] = [];
  for (let at = begin; at < end; at += step) {
    const index = Math.trunc(at);
    picked.push(typeof target === 'string' ? pointAt(target, index) : (target[index] ?? null));
  }
  return typeof target === 'string' ? picked.join('') : picked;
}

function sizeOf(target: Value): number {
  if (typeof target === 'string') return pointLength(target);
  return isItems(target) ? target.length : 0;
}

/** A bound is compared with 0 first, so that is what says it is no number. */
function bound(value: Value, run: Run): number {
  compare(value, 0, run);
  return expectNumber(value);
}
