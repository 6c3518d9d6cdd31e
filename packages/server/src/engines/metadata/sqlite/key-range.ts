const lastCodePoint = 0x10ffff;

/** Half-open range of keys in UTF-8 byte order, which is code point order. */
export interface KeyRange {
  readonly from: string;
  /** First key after the range; an empty blob sorts after every text and stands for no bound. */
  readonly to: string | Uint8Array;
}

/** The range of all keys that begin with the prefix. */
export function keyRange(prefix: string): KeyRange {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === lastCodePoint) continue;
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return { from: prefix, to: points.map((point) => String.fromCodePoint(point)).join('') + String.fromCodePoint(next) };
  }
  return { from: prefix, to: new Uint8Array() };
}
