const surrogate = /[\ud800-\udfff]/;

/** The string whose characters were split last: loops index the same one again and again. */
let last = '';
let lastPoints: readonly string[] | undefined;

/** Characters of the string where it has some outside the basic plane; `undefined` where units are characters. */
function pointsOf(text: string): readonly string[] | undefined {
  if (text === last) return lastPoints;
  const points = surrogate.test(text) ? [...text] : undefined;
  // A short string is as fast to look at again.
  if (text.length > 16) {
    last = text;
    lastPoints = points;
  }
  return points;
}

/** Length in code points. */
export function pointLength(text: string): number {
  return pointsOf(text)?.length ?? text.length;
}

/** The code point at `index`, as a string; the index is in range. */
export function pointAt(text: string, index: number): string {
  return pointsOf(text)?.[index] ?? text.charAt(index);
}

export function pointSlice(text: string, from: number, to: number): string {
  const points = pointsOf(text);
  return points === undefined ? text.slice(from, to) : points.slice(from, to).join('');
}

export function allPoints(text: string): readonly string[] {
  return pointsOf(text) ?? text.split('');
}

/** Order by code point: -1, 0 or 1. */
export function comparePoints(left: string, right: string): number {
  if (left === right) return 0;
  if (surrogate.test(left) || surrogate.test(right)) return compareUnits(left, right);
  return left < right ? -1 : 1;
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
