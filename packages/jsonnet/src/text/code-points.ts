const surrogate = /[\ud800-\udfff]/;

/** Whether units and characters differ. The length in UTF-8 tells ASCII fast, which most texts are. */
function hasSurrogates(text: string): boolean {
  return !isAscii(text) && surrogate.test(text);
}

function isAscii(text: string): boolean {
  return text.length > 64 && Buffer.byteLength(text) === text.length;
}

/** How many times the work of an ASCII text it is to find characters in a text of this kind. */
export function pointCost(text: string): number {
  if (isAscii(text)) return 1;
  return surrogate.test(text) ? 8 : 4;
}

/** Units of a text whose characters are kept. */
const keptLength = 4096;
/** The string whose characters were split last: loops index the same one again and again. */
let last = '';
let lastPoints: readonly string[] | undefined;

/** Characters of the string where it has some outside the basic plane; `undefined` where units are characters. */
function pointsOf(text: string): readonly string[] | undefined {
  if (text === last) return lastPoints;
  const points = hasSurrogates(text) ? [...text] : undefined;
  // A short string is as fast to look at again.
  if (text.length > 16 && text.length <= keptLength) {
    last = text;
    lastPoints = points;
  }
  return points;
}

/** Length in code points. */
export function pointLength(text: string): number {
  if (text === last) return lastPoints?.length ?? text.length;
  return hasSurrogates(text) ? unitsToPoints(text, text.length) : text.length;
}

/** How many characters begin before a unit. */
function unitsToPoints(text: string, end: number): number {
  let points = 0;
  for (let unit = 0; unit < end; unit += sizeAt(text, unit)) points += 1;
  return points;
}

/** The unit at which a character begins, or the end; `from` is one at which a character begins. */
function pointsToUnits(text: string, points: number, from: number): number {
  let unit = from;
  for (let left = points; left > 0 && unit < text.length; left -= 1) unit += sizeAt(text, unit);
  return unit;
}

function sizeAt(text: string, unit: number): number {
  const code = text.charCodeAt(unit);
  return code >= 0xd800 && code < 0xdc00 ? 2 : 1;
}

/** The code point at `index`, as a string; the index is in range. */
export function pointAt(text: string, index: number): string {
  if (text.length <= keptLength) return pointsOf(text)?.[index] ?? text.charAt(index);
  return pointSlice(text, index, index + 1);
}

export function pointSlice(text: string, from: number, to: number): string {
  if (text === last ? lastPoints === undefined : !hasSurrogates(text)) return text.slice(from, to);
  const begin = pointsToUnits(text, from, 0);
  return text.slice(begin, pointsToUnits(text, to - from, begin));
}

export function allPoints(text: string): readonly string[] {
  return pointsOf(text) ?? text.split('');
}

/** Order by code point: -1, 0 or 1. */
export function comparePoints(left: string, right: string): number {
  if (left === right) return 0;
  // What decides is not beyond the shorter one, and only as much is paid for.
  const size = Math.min(left.length, right.length);
  if (hasSurrogates(left.slice(0, size)) || hasSurrogates(right.slice(0, size))) return compareUnits(left, right);
  return left < right ? -1 : 1;
}

/** Sorts by code point. */
export function sortPoints(texts: string[]): readonly string[] {
  if (texts.some(hasSurrogates)) return texts.sort(comparePoints);
  // biome-ignore lint/suspicious/useArraySortCompare: units are compared, as wanted, and faster so
  return texts.sort();
}

function compareUnits(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    // Surrogates stand for code points above all units.
    if (a !== b) return weight(a) < weight(b) ? -1 : 1;
  }
  return left.length < right.length ? -1 : 1;
}

function weight(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
