import { eager, lazy } from '../run/builtin.ts';
import { chargePoints } from '../run/charge-points.ts';
import { expectInt, expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { force, type Run, type Slot, typeName, type Value } from '../run/value.ts';
import { pointLength } from '../text/code-points.ts';
import { stdFault } from './std-fault.ts';

/** What a part costs that is cut out of a text. */
const stepsPerPart = 2;

interface Split {
  readonly text: string;
  readonly separator: string;
  /** Splits to make at most; below 0 all. */
  readonly limit: number;
}

function splitArguments(args: readonly (Value | undefined)[], name: string, run: Run): Split {
  const [text = null, separator = null, most = null] = args;
  const split = { text: expectString(text), separator: expectString(separator), limit: expectInt(most) };
  if (split.limit < -1) throw new Fault(`std.${name} third parameter should be -1 or non-negative, got ${split.limit}`);
  if (split.separator === '') throw new Fault(`std.${name} second parameter should have length 1 or greater, got 0`);
  run.chargeCharacters(split.text.length);
  return split;
}

function splitLeft({ text, separator, limit }: Split, run: Run): readonly string[] {
  const parts = text.split(separator, run.affordable(stepsPerPart));
  run.checkLength(parts.length);
  run.charge(parts.length * stepsPerPart);
  if (limit < 0 || parts.length <= limit + 1) return parts;
  return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
}

function splitRight({ text, separator, limit }: Split, run: Run): readonly string[] {
  const parts: string[] = [];
  let rest = text;
  while (limit < 0 || parts.length < limit) {
    const at = rest.lastIndexOf(separator);
    if (at < 0) break;
    run.charge(stepsPerPart);
    parts.push(rest.slice(at + separator.length));
    rest = rest.slice(0, at);
  }
  parts.push(rest);
  return parts.reverse();
}

function split(first: Slot, second: Slot, run: Run): readonly string[] {
  const text = force(first, run);
  if (typeof text !== 'string') throw stdFault(`std.split first parameter must be a String, got ${typeName(text)}`, '(116:5)-(119:31)', '');
  const separator = force(second, run);
  if (typeof separator !== 'string') {
    throw stdFault(`std.split second parameter must be a String, got ${typeName(separator)}`, '(117:5)-(119:31)', '');
  }
  if (separator === '') {
    throw stdFault('std.split second parameter must have length 1 or greater, got 0', '(118:5)-(119:31)', '');
  }
  run.chargeCharacters(text.length);
  return splitLeft({ text, separator, limit: -1 }, run);
}

function replace(text: string, { from, to }: { from: string; to: string }, run: Run): string {
  if (from === '') throw new Fault("'from' string must not be zero length.");
  run.chargeCharacters(text.length);
  const parts = text.split(from, run.affordable(stepsPerPart));
  run.checkString(text.length + (parts.length - 1) * (to.length - from.length));
  run.charge(parts.length * stepsPerPart);
  run.chargeCharacters((parts.length - 1) * to.length);
  return parts.join(to);
}

/** All places where `pattern` stands, also those that overlap. */
function findAll(first: Slot, second: Slot, run: Run): readonly number[] {
  const pattern = force(first, run);
  if (typeof pattern !== 'string') throw stdFault(`findSubstr first parameter should be a string, got ${typeName(pattern)}`, '1655:7-82');
  const text = force(second, run);
  if (typeof text !== 'string') throw stdFault(`findSubstr second parameter should be a string, got ${typeName(text)}`, '1657:7-83');
  if (pattern === '') return [];
  run.chargeCharacters(pattern.length);
  chargePoints(text, run);
  const found: number[] = [];
  let points = 0;
  let from = 0;
  for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
    run.chargeCharacters(pattern.length + 128);
    points += pointLength(text.slice(from, at));
    from = at;
    found.push(points);
  }
  return found;
}

/** `folder/file` with another file; a path without a folder gives the file alone. */
function resolvePath(path: Value, file: Value, run: Run): string {
  const folders = split(path, '/', run).slice(0, -1);
  return [...folders, expectString(file)].join('/');
}

export const splits = {
  split: lazy('str c', ([text = null, separator = null], run) => split(text, separator, run)),
  splitLimit: eager('str c maxsplits', (args, run) => splitLeft(splitArguments(args, 'splitLimit', run), run)),
  splitLimitR: eager('str c maxsplits', (args, run) => splitRight(splitArguments(args, 'splitLimitR', run), run)),
  strReplace: eager('str from to', ([text = null, from = null, to = null], run) =>
    replace(expectString(text), { from: expectString(from), to: expectString(to) }, run),
  ),
  findSubstr: lazy('pat str', ([pattern = null, text = null], run) => findAll(pattern, text, run)),
  resolvePath: eager('f r', ([path = null, file = null], run) => resolvePath(path, file, run)),
};
