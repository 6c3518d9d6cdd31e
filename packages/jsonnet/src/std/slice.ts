import { stringText } from '../manifest/json-text.ts';
import { chargePoints } from '../run/charge-points.ts';
import { compare } from '../run/compare.ts';
import { expectNumber } from '../run/expect.ts';
import { force, isItems, type Run, type Slot, typeName, type Value } from '../run/value.ts';
import { pointAt, pointCost, pointLength, pointSlice } from '../text/code-points.ts';
import { stdFault } from './std-fault.ts';

const place = '(234:5)-(246:66)';

interface Bounds {
  readonly from: Slot;
  readonly to: Slot;
  readonly step: Slot;
}

/**
 * `std.slice`: bounds count from the end where they are negative, `null` stands for the default. Evaluated are the step first, then the
 * target, and the bounds only where they matter: so does the reference, whose library has it in Jsonnet.
 */
export function slice(sliced: Slot, bounds: Bounds, run: Run): Value {
  const step = bound(bounds.step, run) ?? 1;
  if (step < 0) {
    const parts = [beginOf(sliced, bounds, run), endOf(sliced, bounds, run), step].map((part) => stringText(part, run));
    throw stdFault(`got [${parts.join(':')}] but negative steps are not supported`, place, '');
  }
  if (step === 0) throw stdFault(`got 0 but step must be greater than 0`, place, '');
  const target = force(sliced, run);
  if (typeof target !== 'string' && !isItems(target)) {
    throw stdFault(`std.slice accepts a string or an array, but got: ${typeName(target)}`, place, '');
  }
  if (typeof target === 'string') chargePoints(target, run);
  const begin = beginOf(target, bounds, run);
  const end = Math.min(endOf(target, bounds, run), sizeOf(target));
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

function beginOf(target: Slot, { from }: Bounds, run: Run): number {
  const first = bound(from, run) ?? 0;
  return first < 0 ? Math.max(0, sizeOf(force(target, run)) + first) : first;
}

function endOf(target: Slot, { to }: Bounds, run: Run): number {
  const last = bound(to, run);
  if (last !== undefined && last >= 0) return last;
  return sizeOf(force(target, run)) + (last ?? 0);
}

/** A bound is compared with 0 first, so that is what says it is no number. */
function bound(slot: Slot, run: Run): number | undefined {
  const value = force(slot, run);
  if (value === null) return undefined;
  compare(value, 0, run);
  return expectNumber(value);
}
