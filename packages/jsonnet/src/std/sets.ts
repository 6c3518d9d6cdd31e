import { eager, lazy } from '../run/builtin.ts';
import { compare, equals } from '../run/compare.ts';
import { expectArray, expectFunction } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { call } from '../run/functions.ts';
import { force, type Items, type Run, type Slot, type Value } from '../run/value.ts';
import { foldable } from './folds.ts';
import { within } from './std-fault.ts';
import { lengthOf } from './types.ts';

/** What elements are compared by: the elements themselves, or what a function makes of them. */
type KeyOf = (item: Slot) => Value;

function keyFunction(key: Value | undefined, run: Run): KeyOf {
  if (key === undefined) return (item) => force(item, run);
  const fn = expectFunction(key);
  return (item) => call(fn, [item], run);
}

function sort(value: Value, key: Value | undefined, run: Run): Items {
  const items = expectArray(value);
  const keyOf = keyFunction(key, run);
  run.charge(items.length * 2);
  return items
    .map((item) => ({ item, key: keyOf(item) }))
    .sort((left, right) => {
      run.charge(1);
      return compare(left.key, right.key, run);
    })
    .map(({ item }) => item);
}

function unique(value: Value, key: Value | undefined, run: Run): Items {
  const items = within('1487:5-26', () => foldable(value, 'foldl', run));
  const keyOf = keyFunction(key, run);
  const kept: Slot[] = [];
  let last: Value = null;
  for (const item of items) {
    const next = items.length === 1 ? null : keyOf(item);
    run.charge(1);
    if (kept.length > 0 && equals(last, next, run)) continue;
    kept.push(item);
    last = next;
  }
  return kept;
}

/** Which elements of two sorted sets the walk through both keeps. */
interface Keep {
  readonly left: boolean;
  readonly both: boolean;
  readonly right: boolean;
}

interface Sets {
  readonly left: Value;
  readonly right: Value;
  readonly key: Value | undefined;
}

function merge({ left, right, key }: Sets, keep: Keep, run: Run): Items {
  const a = itemsOf(left, run);
  const b = itemsOf(right, run);
  const keyOf = keyFunction(key, run);
  const kept: Slot[] = [];
  run.checkArray(a.length + b.length);
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    run.charge(1);
    const [x = null, y = null] = [a[i], b[j]];
    const [keyX, keyY] = [keyOf(x), keyOf(y)];
    if (equals(keyX, keyY, run)) {
      if (keep.both) kept.push(x);
      i += 1;
      j += 1;
    } else if (compare(keyX, keyY, run) < 0) {
      if (keep.left) kept.push(x);
      i += 1;
    } else {
      if (keep.right) kept.push(y);
      j += 1;
    }
  }
  if (keep.left) for (; i < a.length; i += 1) kept.push(a[i] ?? null);
  if (keep.right) for (; j < b.length; j += 1) kept.push(b[j] ?? null);
  return kept;
}

function itemsOf(value: Value, run: Run): readonly Slot[] {
  lengthOf(value, run);
  return typeof value === 'string' ? [...value] : expectArray(value);
}

const union: Keep = { left: true, both: true, right: true };
const intersection: Keep = { left: false, both: true, right: false };
const difference: Keep = { left: true, both: false, right: false };

const merging = (keep: Keep) => eager('a b keyF?', ([left = null, right = null, key], run) => merge({ left, right, key }, keep, run));

/** The element whose key is the least (`sign` 1) or the greatest (-1); the first of several. */
function extreme(args: readonly (Slot | undefined)[], sign: number, run: Run): Value {
  // All arguments are evaluated before the kind of any is looked at, also what is for an empty array only.
  const [value = null, key, other] = args.map((arg) => (arg === undefined ? undefined : force(arg, run)));
  const items = expectArray(value);
  const keyOf = keyFunction(key, run);
  if (items.length === 0) {
    if (other === undefined) throw new Fault('Expected at least one element in array. Got none');
    return other;
  }
  run.chargeElements(items.length);
  let [best = null] = items;
  force(best, run);
  let bestKey = keyOf(best);
  for (const item of items.slice(1)) {
    force(item, run);
    const next = keyOf(item);
    if (compare(bestKey, next, run) * sign > 0) {
      best = item;
      bestKey = next;
    }
  }
  return force(best, run);
}

export const sets = {
  sort: eager('arr keyF?', ([items = null, key], run) => sort(items, key, run)),
  uniq: eager('arr keyF?', ([items = null, key], run) => unique(items, key, run)),
  set: eager('arr keyF?', ([items = null, key], run) =>
    unique(
      within('1490:14-33', () => sort(items, key, run)),
      key,
      run,
    ),
  ),
  setUnion: merging(union),
  setInter: merging(intersection),
  setDiff: merging(difference),
  setMember: lazy('x arr keyF?', ([x = null, items = null, key], run) => {
    const sets = { left: [x], right: force(items, run), key: key === undefined ? undefined : force(key, run) };
    return merge(sets, intersection, run).length > 0;
  }),
  minArray: lazy('arr keyF? onEmpty?', (args, run) => extreme(args, 1, run)),
  maxArray: lazy('arr keyF? onEmpty?', (args, run) => extreme(args, -1, run)),
};
