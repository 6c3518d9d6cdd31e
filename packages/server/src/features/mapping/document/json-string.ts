/**
 * Strings of a JSON text as bytes, between their quotes. The reader has proved that they are well formed.
 *
 * Escapes become UTF-8; an escaped surrogate without its other half becomes U+FFFD, since UTF-8 has no bytes for it.
 */

const quote = 0x22;
const backslash = 0x5c;

/** Whether the string whose first byte (behind the quote) is at `start` means `text`. */
export function stringEquals(bytes: Uint8Array, start: number, text: Uint8Array): boolean {
  const { length } = text;
  for (let index = 0; index < length; index += 1) {
    const byte = bytes[start + index];
    if (byte === backslash) return escapedStringEquals(bytes, start, text);
    if (byte !== text[index] || byte === quote) return false;
  }
  const last = bytes[start + length];
  return last === quote || (last === backslash && escapedStringEquals(bytes, start, text));
}

/** Makes nothing, and ends at the first difference: a body can have many such names. */
function escapedStringEquals(bytes: Uint8Array, start: number, text: Uint8Array): boolean {
  let at = start;
  let matched = 0;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) return matched === text.length;
    if (byte !== backslash) {
      if (byte !== text[matched]) return false;
      at += 1;
      matched += 1;
    } else if (bytes[at + 1] !== letterU) {
      if (simpleEscapes[bytes[at + 1] ?? 0] !== text[matched]) return false;
      at += 2;
      matched += 1;
    } else {
      const codePoint = escapedCodePoint(bytes, at);
      matched = behindCodePoint(text, matched, codePoint);
      if (matched < 0) return false;
      at += escapeLength(codePoint);
    }
  }
  return false;
}

/** The position behind the code point in UTF-8, or -1 where another one is. */
function behindCodePoint(text: Uint8Array, at: number, codePoint: number): number {
  if (codePoint < 0x80) return text[at] === codePoint ? at + 1 : -1;
  const encoded = new Uint8Array(4);
  const length = putCodePoint(encoded, 0, codePoint);
  for (let index = 0; index < length; index += 1) if (text[at + index] !== encoded[index]) return -1;
  return at + length;
}

/** The position behind the closing quote. */
export function endOfString(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at + 1;
}

/** The bytes that the string between start and end means: the same view where it has no escape, a copy otherwise. */
export function unescapeString(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const content = bytes.subarray(start, end);
  let at = content.indexOf(backslash);
  if (at < 0) return content;
  const target = new Uint8Array(content.length);
  target.set(content.subarray(0, at));
  let length = at;
  while (at < content.length) {
    const byte = content[at] ?? 0;
    if (byte !== backslash) {
      target[length++] = byte;
      at += 1;
    } else if (content[at + 1] !== letterU) {
      target[length++] = simpleEscapes[content[at + 1] ?? 0] ?? 0;
      at += 2;
    } else {
      const codePoint = escapedCodePoint(content, at);
      length = putCodePoint(target, length, codePoint);
      at += escapeLength(codePoint);
    }
  }
  return target.subarray(0, length);
}

const letterU = 0x75;

/** By the letter behind the backslash: the byte it stands for, 0 where there is no such escape. */
export const simpleEscapes: Readonly<Uint8Array> = escapeTable('"\\/bfnrt', '"\\/\b\f\n\r\t');

function escapeTable(letters: string, meanings: string): Uint8Array {
  const table = new Uint8Array(0x80);
  for (let index = 0; index < letters.length; index += 1) table[letters.charCodeAt(index)] = meanings.charCodeAt(index);
  return table;
}

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function hexValue(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let index = at; index < at + 4; index += 1) value = value * 16 + hexDigit(bytes[index] ?? 0);
  return value;
}

/** At the backslash of `\u0041`, or of two that are a surrogate pair. */
function escapedCodePoint(bytes: Uint8Array, at: number): number {
  const high = hexValue(bytes, at + 2);
  if (!isHighSurrogate(high) || bytes[at + 6] !== backslash || bytes[at + 7] !== letterU) return high;
  const low = hexValue(bytes, at + 8);
  return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : high;
}

/** Only pairs mean code points that have no escape of their own. */
const escapeLength = (codePoint: number): number => (codePoint > 0xffff ? 12 : 6);

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** Appends the code point as UTF-8 (never longer than its escape), a lone surrogate as U+FFFD. */
function putCodePoint(target: Uint8Array, at: number, codePoint: number): number {
  const point = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
  if (point < 0x80) {
    target[at] = point;
    return at + 1;
  }
  if (point < 0x800) {
    target[at] = 0xc0 | (point >> 6);
    target[at + 1] = continuation(point);
    return at + 2;
  }
  if (point < 0x10000) {
    target[at] = 0xe0 | (point >> 12);
    target[at + 1] = continuation(point >> 6);
    target[at + 2] = continuation(point);
    return at + 3;
  }
  target[at] = 0xf0 | (point >> 18);
  target[at + 1] = continuation(point >> 12);
  target[at + 2] = continuation(point >> 6);
  target[at + 3] = continuation(point);
  return at + 4;
}

const continuation = (bits: number): number => 0x80 | (bits & 0x3f);
