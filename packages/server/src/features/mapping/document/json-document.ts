import type { ErrorCode } from '../../../kernel/errors/error-table.ts';
import { endOfString, stringEquals, unescapeString } from './json-string.ts';

/**
 * A parsed body: its bytes and a tape of numbers, values one after another in the order of the text.
 *
 *     scalar   start
 *     array    ~start, next, end, then its elements
 *     object   ~start, next, end, then its members, each: start of the name, its fingerprint, then the value
 *
 * `start` is the position of the first byte (of strings and names: of the opening quote), `next` the tape index behind
 * the container. `end` is the position behind the closing bracket, stored as `~end` where the container holds
 * whitespace that a compact output drops. A node is the tape index of a value.
 *
 * Nothing is decoded until somebody asks: number text, key order and escapes stay those of the source. Bytes that are
 * no UTF-8 inside strings stay as they are, too, and are treated like those of a `body` column.
 */
export class JsonDocument {
  readonly #bytes: Uint8Array;
  readonly #tape: readonly number[];
  /** The bytes as a buffer, once something was decoded. */
  #text: Buffer | undefined;
  /** What was decoded of the containers, by their place on the tape. */
  #values: (JsonValue | undefined)[] | undefined;

  constructor(bytes: Uint8Array, tape: readonly number[]) {
    this.#bytes = bytes;
    this.#tape = tape;
  }

  /** The member of that name, the last one where the object repeats it, as JSON.parse does. */
  member(node: number, name: JsonName): number | undefined {
    if (this.#firstByte(node) !== openObject) return;
    const tape = this.#tape;
    const end = this.#next(node);
    let found: number | undefined;
    let member = node + containerSlots;
    while (member < end) {
      const value = member + nameSlots;
      const fingerprint = tape[member + 1];
      if (fingerprint === name.fingerprint || fingerprint === escapedName) {
        if (stringEquals(this.#bytes, this.#slot(member) + 1, name.bytes)) found = value;
      }
      member = (tape[value] ?? 0) < 0 ? (tape[value + 1] ?? end) : value + 1;
    }
    return found;
  }

  element(node: number, index: number): number | undefined {
    if (this.#firstByte(node) !== openArray) return;
    const end = this.#next(node);
    let element = node + containerSlots;
    for (let skipped = 0; skipped < index && element < end; skipped += 1) element = this.#next(element);
    return element < end ? element : undefined;
  }

  isObject(node: number): boolean {
    return this.#firstByte(node) === openObject;
  }

  isString(node: number): boolean {
    return this.#firstByte(node) === quote;
  }

  /** Where the value's text stands in the bytes, whitespace in it included. */
  place(node: number): { readonly start: number; readonly end: number } {
    const start = this.#start(node);
    if (!this.#isContainer(node)) return { start, end: endOfScalar(this.#bytes, start) };
    const end = this.#slot(node + 2);
    return { start, end: end < 0 ? ~end : end };
  }

  /** The value's text as sent, but for whitespace outside strings, which is left out. */
  json(node: number): Uint8Array {
    const start = this.#start(node);
    const end = this.#isContainer(node) ? this.#slot(node + 2) : endOfScalar(this.#bytes, start);
    return end < 0 ? withoutBlanks(this.#bytes, start, ~end) : this.#bytes.subarray(start, end);
  }

  /** What a string means, without quotes and escapes; only for strings. */
  text(node: number): Uint8Array {
    const start = this.#start(node);
    return unescapeString(this.#bytes, start + 1, endOfScalar(this.#bytes, start) - 1);
  }

  /**
   * The value as plain data, numbers as doubles, bytes that are no UTF-8 as U+FFFD. Containers are decoded once and shared
   * by all that ask, also by those that ask for a part of them, so nobody changes them.
   */
  value(node: number): JsonValue {
    if (!this.#isContainer(node)) return this.#scalarValue(node);
    this.#values ??= new Array(this.#tape.length);
    const known = this.#values[node];
    if (known !== undefined) return known;
    const value = this.isObject(node) ? this.#objectValue(node) : this.#arrayValue(node);
    this.#values[node] = value;
    return value;
  }

  /** How many numbers of the tape the value takes: what walking through it costs at most. */
  slots(node: number): number {
    return this.#next(node) - node;
  }

  #scalarValue(node: number): JsonValue {
    const start = this.#start(node);
    switch (this.#bytes[start]) {
      case quote:
        return this.#stringAt(start);
      case letterT:
        return true;
      case letterF:
        return false;
      case letterN:
        return null;
      default:
        return Number(this.#decoded(start, endOfScalar(this.#bytes, start)));
    }
  }

  #arrayValue(node: number): readonly JsonValue[] {
    const end = this.#next(node);
    const elements: JsonValue[] = [];
    for (let element = node + containerSlots; element < end; element = this.#next(element)) elements.push(this.value(element));
    return elements;
  }

  #objectValue(node: number): { readonly [name: string]: JsonValue } {
    const end = this.#next(node);
    const members: Record<string, JsonValue> = {};
    for (let member = node + containerSlots; member < end; member = this.#next(member + nameSlots)) {
      const name = this.#stringAt(this.#slot(member));
      const value = this.value(member + nameSlots);
      // An assignment to that name would change the prototype.
      if (name === '__proto__') Object.defineProperty(members, name, { value, enumerable: true, writable: true, configurable: true });
      else members[name] = value;
    }
    return members;
  }

  /** `start` is the position of the opening quote. */
  #stringAt(start: number): string {
    const bytes = this.#bytes;
    let end = start + 1;
    for (; bytes[end] !== quote; end += 1) if (bytes[end] === backslash) return this.#escapedStringAt(start);
    return this.#decoded(start + 1, end);
  }

  /** Native, since a body can have a hundred thousand of them. */
  #escapedStringAt(start: number): string {
    return String(JSON.parse(this.#decoded(start, endOfString(this.#bytes, start + 1)))).toWellFormed();
  }

  #decoded(start: number, end: number): string {
    const bytes = this.#bytes;
    this.#text ??= bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.#text.toString('utf8', start, end);
  }

  /** The tape index behind the value. */
  #next(node: number): number {
    return this.#isContainer(node) ? this.#slot(node + 1) : node + 1;
  }

  #isContainer(node: number): boolean {
    return this.#slot(node) < 0;
  }

  #firstByte(node: number): number | undefined {
    return this.#bytes[this.#start(node)];
  }

  #start(node: number): number {
    const slot = this.#slot(node);
    return slot < 0 ? ~slot : slot;
  }

  #slot(index: number): number {
    return this.#tape[index] ?? 0;
  }
}

/** A decoded value. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** The name of a member as lookups want it. */
export interface JsonName {
  /** UTF-8. */
  readonly bytes: Uint8Array;
  readonly fingerprint: number;
}

export function jsonName(name: string): JsonName {
  const quoted = Buffer.from(`"${name}"`);
  const bytes = quoted.subarray(1, -1);
  return { bytes, fingerprint: fingerprintOf(quoted, 0, quoted.length) };
}

/** Tells most names apart without a look at the text: length and three bytes of a name with its quotes, never negative. */
export function fingerprintOf(bytes: Uint8Array, start: number, end: number): number {
  const middle = bytes[(start + end) >> 1] ?? 0;
  return (((end - start) & 0x7f) << 24) | (middle << 16) | ((bytes[Math.max(start, end - 3)] ?? 0) << 8) | (bytes[end - 2] ?? 0);
}

/** Stands for the fingerprint of names with escapes: only their text tells. */
export const escapedName = -1;

/** What becomes of a body that some column wants parsed; kept by the record, faults too. */
export type BodyDocument = { readonly ok: true; readonly document: JsonDocument } | BodyFault;

export interface BodyFault {
  readonly ok: false;
  readonly code: ErrorCode;
  /** Lower case, no full stop. */
  readonly reason: string;
}

export const rootNode = 0;

const containerSlots = 3;
const nameSlots = 2;
/** The highest whitespace byte; outside strings, no other byte is below it. */
const blank = 0x20;
const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openArray = 0x5b;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
const letterF = 0x66;
const letterN = 0x6e;
const letterT = 0x74;

/** The position behind a string, number or literal. */
function endOfScalar(bytes: Uint8Array, start: number): number {
  if (bytes[start] === quote) return endOfString(bytes, start + 1);
  let at = start;
  for (;;) {
    const byte = bytes[at] ?? blank;
    if (byte <= blank || byte === comma || byte === closeArray || byte === closeObject) return at;
    at += 1;
  }
}

/** Copies a valid JSON text without the whitespace outside strings. */
function withoutBlanks(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const target = new Uint8Array(end - start);
  let length = 0;
  let at = start;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (byte === quote) {
      const behind = endOfString(bytes, at + 1);
      for (; at < behind; at += 1) target[length++] = bytes[at] ?? 0;
    } else {
      if (byte > blank) target[length++] = byte;
      at += 1;
    }
  }
  return target.subarray(0, length);
}
