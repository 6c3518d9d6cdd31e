import { isAlias, isMap, isPair, isScalar, isSeq, type Node, parseAllDocuments, Scalar, type YAMLParseError } from 'yaml';
import type { Json } from '../json.ts';
import { Fault } from '../run/fault.ts';
import { fromPlain } from '../run/from-plain.ts';
import type { Run, Value } from '../run/value.ts';
import { printGoFloat } from '../text/numbers.ts';
import { resolveScalar } from './yaml-scalar.ts';

/** What a YAML text may not hold. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/;

/** `std.parseYaml`: the value of one document, or an array where documents are marked by `---`. */
export function parseYaml(text: string, run: Run): Value {
  // The parser is slow: this is 60 kB in the default budget.
  run.charge(800 + text.length * 16);
  if (forbidden.test(text)) throw failed('yaml: control characters are not allowed');
  const documents = parseAllDocuments(text, { schema: 'failsafe', uniqueKeys: false, version: '1.1', merge: false, logLevel: 'silent' });
  const reader = new Reader(run);
  const values: Json[] = [];
  if (Array.isArray(documents)) {
    for (const document of documents) {
      const [problem] = document.errors;
      if (problem !== undefined) throw failed(`yaml: ${problemText(problem)}`);
      values.push(reader.value(document.contents));
    }
  }
  const isStream = /^---(?:[ \t\n]|$)/m.test(text);
  if (isStream) return fromPlain(values, run);
  return fromPlain(values[0] ?? null, run);
}

/** The words of the reference's parser where they are known. */
function problemText({ message, linePos }: YAMLParseError): string {
  const [first = ''] = message.split('\n');
  const line = `line ${linePos?.[1]?.line ?? linePos?.[0].line ?? 1}: `;
  if (/must be sufficiently indented and end with a ]|must end with a ]/.test(first)) return `${line}did not find expected ',' or ']'`;
  if (/must be sufficiently indented and end with a }|must end with a }/.test(first)) return `${line}did not find expected ',' or '}'`;
  if (first.startsWith('Nested mappings are not allowed')) return 'mapping values are not allowed in this context';
  return first.replace(/ at line .*$/, '');
}

function failed(problem: string): Fault {
  return new Fault(`failed to parse YAML: error converting YAML to JSON: ${problem}`);
}

/** Turns nodes into data; each use of an alias is paid for again, since what it stands for may double with each level. */
class Reader {
  readonly #run: Run;
  readonly #anchors = new Map<string, Json>();
  readonly #sizes = new Map<object, number>();

  constructor(run: Run) {
    this.#run = run;
  }

  value(node: unknown): Json {
    if (node === null || node === undefined) return null;
    this.#run.charge(1);
    this.#run.enter();
    const value = this.#value(node);
    this.#run.depth -= 1;
    return value;
  }

  #value(node: unknown): Json {
    if (isAlias(node)) return this.#alias(node.source);
    const value = isScalar(node) ? this.#scalar(node) : isSeq(node) ? node.items.map((item) => this.value(item)) : this.#map(node);
    if (isNode(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, value);
    return value;
  }

  #alias(name: string): Json {
    const value = this.#anchors.get(name);
    if (value === undefined) throw failed(`yaml: unknown anchor '${name}' referenced`);
    this.#run.charge(this.#sizeOf(value));
    return value;
  }

  /** Values within, of which those that aliases share are counted once. */
  #sizeOf(value: Json): number {
    if (typeof value !== 'object' || value === null) return 1;
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    let size = 1;
    for (const member of Object.values(value)) size += this.#sizeOf(member);
    this.#sizes.set(value, size);
    return size;
  }

  #scalar(node: Scalar): Json {
    const text = typeof node.value === 'string' ? node.value : node.value === null ? '' : String(node.value);
    const value = resolveScalar(text, { plain: node.type === Scalar.PLAIN || node.type === undefined, tag: node.tag });
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw failed(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`);
    }
    return value;
  }

  #map(node: unknown): Json {
    const record: Record<string, Json> = Object.create(null);
    if (!isMap(node)) return record;
    const merged: Json[] = [];
    for (const pair of node.items) {
      if (!isPair(pair)) continue;
      if (isScalar(pair.key) && pair.key.value === '<<' && pair.key.type === Scalar.PLAIN) merged.push(this.value(pair.value));
      else record[this.#key(pair.key)] = this.value(pair.value);
    }
    for (const source of merged.flat()) {
      if (typeof source !== 'object' || source === null || Array.isArray(source))
        throw failed('yaml: map merge requires map or sequence of maps as the value');
      for (const [name, value] of Object.entries(source)) if (!Object.hasOwn(record, name)) record[name] = value;
    }
    return record;
  }

  #key(node: unknown): string {
    const key = this.value(node);
    if (typeof key === 'string') return key;
    if (typeof key === 'number') return Number.isInteger(key) ? String(key) : printGoFloat(key);
    if (typeof key === 'boolean') return String(key);
    if (key === null) throw failed('unsupported map key of type: %!s(<nil>), key: <nil>');
    throw failed('yaml: invalid map key');
  }
}

function isNode(node: unknown): node is Node & { anchor?: string } {
  return isScalar(node) || isMap(node) || isSeq(node);
}
