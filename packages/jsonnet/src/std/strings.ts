import { eager } from '../run/builtin.ts';
import { chargePoints } from '../run/charge-points.ts';
import { equals } from '../run/compare.ts';
import { expectNumber, expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { indexValue } from '../run/index-value.ts';
import { force, isItems, type Run, type Slot, typeName, type Value } from '../run/value.ts';
import { allPoints, pointLength, pointSlice } from '../text/code-points.ts';
import { printFixed, printGoFloat } from '../text/numbers.ts';
import { later, stepsPerCall } from './elements.ts';
import { within } from './std-fault.ts';
import { lengthOf } from './types.ts';

export function substr(text: Value, { from, length }: { from: Value; length: Value }, run: Run): string {
  if (typeof text !== 'string') throw new Fault(`substr first parameter should be a string, got ${typeName(text)}`);
  if (typeof from !== 'number') throw new Fault(`substr second parameter should be a number, got ${typeName(from)}`);
  if (!Number.isInteger(from)) throw new Fault(`substr second parameter should be an integer, got ${printFixed(from)}`);
  if (from < 0) throw new Fault(`substr second parameter should be greater than zero, got ${printFixed(from)}`);
  if (typeof length !== 'number') throw new Fault(`substr third parameter should be a number, got ${typeName(length)}`);
  if ((length | 0) !== length) throw new Fault(`substr third parameter should be an integer, got ${printFixed(length)}`);
  if (length < 0) throw new Fault(`substr third parameter should be greater than zero, got ${length}`);
  chargePoints(text, run);
  return pointSlice(text, from, from + length);
}

/** Whether `text` has `part` at its begin or its end; as in the reference both may be of any type that has a length. */
function hasEnd(text: Value, part: Value, { run, atEnd }: { run: Run; atEnd: boolean }): boolean {
  const length = within(atEnd ? '55:8-21' : '49:8-21', () => lengthOf(text, run));
  const size = within(atEnd ? '55:24-37' : '49:24-37', () => lengthOf(part, run));
  if (length < size) return false;
  if (typeof text === 'string' && typeof part === 'string') return atEnd ? text.endsWith(part) : text.startsWith(part);
  within(atEnd ? '58:7-69' : '52:7-39', () => substr(text, { from: 0, length: size }, run));
  return false;
}

/** Whether a character is among `chars`, a string or an array. */
function among(chars: Value, character: string, run: Run): boolean {
  run.charge(2);
  if (typeof chars === 'string') {
    run.chargeCharacters(chars.length);
    return chars.includes(character);
  }
  if (!isItems(chars)) throw new Fault('std.member first argument must be an array or a string');
  return chars.some((item) => equals(force(item, run), character, run));
}

function strip(text: Value, chars: Value, { run, left, right }: { run: Run; left: boolean; right: boolean }): string {
  if (typeof text !== 'string') throw new Fault(`Unexpected type ${typeName(text)}, expected string`);
  run.chargeCharacters(text.length);
  let begin = 0;
  let end = text.length;
  while (left && begin < end) {
    const character = characterFrom(text, begin);
    if (!among(chars, character, run)) break;
    begin += character.length;
  }
  while (right && end > begin) {
    const character = characterBefore(text, end);
    if (!among(chars, character, run)) break;
    end -= character.length;
  }
  return text.slice(begin, end);
}

function characterFrom(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}

function characterBefore(text: string, end: number): string {
  const last = text.charCodeAt(end - 1);
  return last >= 0xdc00 && last <= 0xdfff ? text.slice(end - 2, end) : text.charAt(end - 1);
}

const stripper = (left: boolean, right: boolean) =>
  eager('str chars', ([text = null, chars = null], run) => strip(text, chars, { run, left, right }));

function charOf(value: Value): string {
  const code = expectNumber(value);
  if (code > 0x10ffff) throw new Fault(`Invalid unicode codepoint, got ${printGoFloat(code)}`);
  if (code < 0) throw new Fault(`Codepoints must be >= 0, got ${printGoFloat(code)}`);
  return String.fromCodePoint(Math.trunc(code)).toWellFormed();
}

function codeOf(value: Value, run: Run): number {
  const text = expectString(value);
  chargePoints(text, run);
  const length = pointLength(text);
  if (length !== 1) throw new Fault(`codepoint takes a string of length 1, got length ${length}`);
  return text.codePointAt(0) ?? 0;
}

/** What `value[i]` gives for each `i` below its length; of an object or a function that is an error where it is needed. */
function characters(value: Value, run: Run): readonly Slot[] {
  if (typeof value === 'string') {
    chargePoints(value, run);
    run.checkLength(value.length);
    run.charge(value.length);
    return allPoints(value);
  }
  const length = within('77:19-34', () => lengthOf(value, run), 'thunk from <function <anonymous>>');
  if (isItems(value)) return value;
  run.charge(length * stepsPerCall);
  return Array.from({ length }, (_, index) => later((inner) => within('77:48-54', () => indexValue(value, index, inner))));
}

/** The letters of what is no string: its elements must be one character each. */
function joinedLetters(value: Value, run: Run): string {
  const letters = characters(value, run);
  run.charge(letters.length * 2);
  let text = '';
  for (const item of letters) {
    const letter = force(item, run);
    codeOf(letter, run);
    text += expectString(letter);
  }
  return text;
}

const cased = (change: (text: string) => string, letters: RegExp) =>
  eager('str', ([value = null], run) => {
    const text = typeof value === 'string' ? value : joinedLetters(value, run);
    // Each run of letters is a call.
    run.chargeCharacters(text.length * 16);
    return text.replace(letters, change);
  });

function sameIgnoringCase(left: string, right: string): boolean {
  const others = allPoints(right);
  const points = allPoints(left);
  if (points.length !== others.length) return false;
  return points.every((point, index) => fold(point) === fold(others[index] ?? ''));
}

function fold(character: string): string {
  const upper = character.toUpperCase();
  const lower = (upper.length === character.length ? upper : character).toLowerCase();
  return lower.length === character.length ? lower : character;
}

/** White space as Go has it. */
function isSpace(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return otherSpaces.has(code);
}

const otherSpaces: ReadonlySet<number> = new Set([
  0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f,
  0x205f, 0x3000,
]);

function trim(text: string): string {
  let begin = 0;
  let end = text.length;
  while (begin < end && isSpace(text.charCodeAt(begin))) begin += 1;
  while (end > begin && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(begin, end);
}

export const strings = {
  substr: eager('str from len', ([text = null, from = null, length = null], run) => substr(text, { from, length }, run)),
  startsWith: eager('a b', ([a = null, b = null], run) => hasEnd(a, b, { run, atEnd: false })),
  endsWith: eager('a b', ([a = null, b = null], run) => hasEnd(a, b, { run, atEnd: true })),
  lstripChars: stripper(true, false),
  rstripChars: stripper(false, true),
  stripChars: stripper(true, true),
  trim: eager('str', ([text = null], run) => {
    run.chargeCharacters(expectString(text).length * 16);
    return trim(expectString(text));
  }),
  stringChars: eager('str', ([text = null], run) => characters(text, run)),
  char: eager('n', ([n = null]) => charOf(n)),
  codepoint: eager('str', ([text = null], run) => codeOf(text, run)),
  asciiUpper: cased((text) => text.toUpperCase(), /[a-z]+/g),
  asciiLower: cased((text) => text.toLowerCase(), /[A-Z]+/g),
  isEmpty: eager('str', ([text = null]) => expectString(text) === ''),
  equalsIgnoreCase: eager('str1 str2', ([a = null, b = null], run) => {
    run.charge(2 * (expectString(a).length + expectString(b).length));
    return sameIgnoringCase(expectString(a), expectString(b));
  }),
};
