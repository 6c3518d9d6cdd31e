import type { BodyDocument } from './json-document.ts';
import { readJson } from './json-reader.ts';
import { hexDigit } from './json-string.ts';

/**
 * Reads `application/x-www-form-urlencoded` as the document of an object, by rewriting it as compact JSON text.
 *
 * Names: `a`, `a[b]` (member), `a[0]` (element), `a[]` (append, last segment only), nested at will; brackets may be
 * percent-encoded. Values are strings. A repeated name keeps its first place and its last value. A name has one kind,
 * value, object or array; mixing them is a fault, and so is a bare `;`. Skipped elements are null, empty pairs nothing.
 *
 * Texts are handled as Latin-1 strings, one character a byte, so bytes that are no UTF-8 pass through as in JSON.
 * Members live in maps: a name such as `__proto__` is nothing special, and `1` keeps its place.
 */
export function readForm(body: Buffer): BodyDocument {
  const root = newNode(false);
  const text = body.toString('latin1');
  let room = maxFormValues;
  for (let start = 0; start <= text.length; ) {
    const ampersand = text.indexOf('&', start);
    const end = ampersand < 0 ? text.length : ampersand;
    const pair = parsePair(text.slice(start, end));
    start = end + 1;
    if (pair === undefined) continue;
    const used = typeof pair === 'string' ? pair : put(root, pair);
    if (typeof used === 'string') return formFault(used);
    room -= used;
    if (room < 0) return formFault(`more than ${maxFormValues} values`);
  }
  return readJson(Buffer.from(jsonText(root), 'latin1'));
}

/** Values of one form, containers and skipped elements included: bounds the document that a body can ask for. */
export const maxFormValues = 10_000;
export const maxFormIndex = 1_000;
/** Segments of one name. */
export const maxFormDepth = 32;

/** An object, or an array whose skipped elements have no child. */
interface FormNode {
  readonly isArray: boolean;
  readonly children: Map<string | number, FormNode | string>;
  /** Of an array. */
  length: number;
}

const newNode = (isArray: boolean): FormNode => ({ isArray, children: new Map(), length: 0 });

/** A member name, an element index, or the append of `[]`. */
type Segment = string | number | typeof append;
const append = Symbol('append');

interface Pair {
  readonly name: string;
  readonly segments: readonly Segment[];
  readonly value: string;
}

const formFault = (reason: string): BodyDocument => ({ ok: false, code: 'badRequest', reason: `invalid form data: ${reason}` });

/** The pair, the text of its fault, or nothing if it is empty. */
function parsePair(text: string): Pair | string | undefined {
  if (text === '') return;
  if (text.includes(';')) return 'invalid semicolon separator in query';
  const equals = text.indexOf('=');
  const rawName = equals < 0 ? text : text.slice(0, equals);
  const rawValue = equals < 0 ? '' : text.slice(equals + 1);
  const badEscape = badEscapePattern.exec(rawName) ?? badEscapePattern.exec(rawValue);
  if (badEscape) return `invalid URL escape "${shown(badEscape[0])}"`;
  const name = decode(rawName);
  const segments = parseName(name);
  return typeof segments === 'string' ? segments : { name, segments, value: decode(rawValue) };
}

const badEscapePattern = /%(?![0-9a-f]{2}).{0,2}/is;

/** `+` is a space, `%41` the byte 0x41; the escapes are valid. */
function decode(text: string): string {
  if (!/[+%]/.test(text)) return text;
  const target = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text.charCodeAt(at);
    if (byte === percent) {
      target[length++] = hexDigit(text.charCodeAt(at + 1)) * 16 + hexDigit(text.charCodeAt(at + 2));
      at += 2;
    } else target[length++] = byte === plus ? space : byte;
  }
  return target.toString('latin1', 0, length);
}

const percent = 0x25;
const plus = 0x2b;
const space = 0x20;

/** The segments, the first one being a member of the form, or the text of the fault. */
function parseName(name: string): readonly Segment[] | string {
  const bracket = name.indexOf('[');
  if (bracket < 0 && !name.includes(']')) return [name];
  const base = name.slice(0, bracket);
  const rest = name.slice(bracket);
  if (bracket <= 0 || base.includes(']') || !/^(?:\[[^[\]]*\])+$/.test(rest)) return badBrackets(name);
  const inner = rest.slice(1, -1).split('][');
  if (inner.length >= maxFormDepth) return `key "${shown(name)}" is nested deeper than ${maxFormDepth} levels`;
  const segments: Segment[] = [base];
  for (const [index, text] of inner.entries()) {
    if (text === '' && index < inner.length - 1) return badBrackets(name);
    const segment = text === '' ? append : /^\d+$/.test(text) ? Number(text) : text;
    if (typeof segment === 'number' && segment > maxFormIndex) return `index in key "${shown(name)}" is over ${maxFormIndex}`;
    segments.push(segment);
  }
  return segments;
}

const badBrackets = (name: string): string => `invalid square brackets in query key "${shown(name)}"`;

/** A Latin-1 string as the text it means, short enough for a message. */
const shown = (text: string): string => Buffer.from(text.slice(0, 100), 'latin1').toString();

/** Puts the value at its place; the number of values that this took, or the text of the fault. */
function put(root: FormNode, { name, segments, value }: Pair): number | string {
  let node = root;
  let used = 1;
  for (const [depth, segment] of segments.entries()) {
    const key = segment === append ? node.length : segment;
    const following = segments[depth + 1];
    const present = node.children.get(key);
    const isLeaf = following === undefined;
    if ((typeof key === 'number') !== node.isArray || (present !== undefined && isLeaf !== (typeof present === 'string'))) {
      return `key "${shown(name)}" does not fit an earlier key`;
    }
    if (typeof key === 'number' && key >= node.length) {
      used += key - node.length;
      node.length = key + 1;
    }
    if (isLeaf) node.children.set(key, value);
    else if (typeof present === 'object') node = present;
    else {
      const child = newNode(typeof following !== 'string');
      used += 1;
      node.children.set(key, child);
      node = child;
    }
  }
  return used;
}

function jsonText(value: FormNode | string): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (!value.isArray) return `{${Array.from(value.children, ([key, child]) => `${JSON.stringify(key)}:${jsonText(child)}`).join(',')}}`;
  const elements = Array.from({ length: value.length }, (_, index) => value.children.get(index));
  return `[${elements.map((child) => (child === undefined ? 'null' : jsonText(child))).join(',')}]`;
}
