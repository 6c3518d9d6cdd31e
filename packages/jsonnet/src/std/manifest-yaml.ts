import { expectBoolean } from '../run/expect.ts';
import { getField, visibleNames } from '../run/object.ts';
import { force, type Items, isItems, Obj, type Run, typeName, type Value } from '../run/value.ts';
import { printShortest } from '../text/numbers.ts';
import { quoteJson } from '../text/quote.ts';
import { stdFault } from './std-fault.ts';

interface Options {
  /** Whether an array in an object is indented. */
  readonly indentArrays: boolean;
  readonly quoteKeys: boolean;
}

export function yamlOptions(indentArrays: Value, quoteKeys: Value): Options {
  return { indentArrays: expectBoolean(indentArrays), quoteKeys: expectBoolean(quoteKeys) };
}

const reserved: ReadonlySet<string> = new Set([
  ...['true', 'false', 'yes', 'no', 'on', 'off', 'y', 'n'],
  ...['.nan', '-.inf', '+.inf', '.inf', 'null', '-', '---', "''"],
]);
const safe = /^[A-Za-z0-9_/.-]+$/;
const special = [/^(?:[0-9]*-){2}[0-9]*$/, /^[-+]?0b[0-1_]+$/, /[-+]?0x[0-9a-fA-F_]+/];
/** What Go reads as a number, as far as its characters are safe. */
const number = /^[+-]?(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?$|^[+-]?(?:inf|infinity|nan)$/i;

function needsQuotes(key: string): boolean {
  return !safe.test(key) || reserved.has(key.toLowerCase()) || special.some((pattern) => pattern.test(key)) || number.test(key);
}

/** `std.manifestYamlDoc`. */
export function manifestYaml(value: Value, options: Options, run: Run): string {
  return new YamlWriter(options, run).text(value, '');
}

export function manifestYamlStream(value: Value, options: Options & { readonly end: Value }, run: Run): string {
  if (!isItems(value)) throw stdFault(`manifestYamlStream only takes arrays, got ${typeName(value)}`, '1313:7-75');
  const documents = value.map((item) => manifestYaml(force(item, run), options, run));
  return `---\n${documents.join('\n---\n')}${expectBoolean(options.end) ? '\n...\n' : '\n'}`;
}

function isFilled(value: Value, run: Run): value is Items | Obj {
  if (isItems(value)) return value.length > 0;
  return value instanceof Obj && visibleNames(value, run).length > 0;
}

class YamlWriter {
  readonly #options: Options;
  readonly #run: Run;

  constructor(options: Options, run: Run) {
    this.#options = options;
    this.#run = run;
  }

  text(value: Value, indent: string): string {
    const run = this.#run;
    run.enterLevel();
    run.charge(1);
    const text = this.#text(value, indent);
    run.depth -= 1;
    return text;
  }

  #text(value: Value, indent: string): string {
    if (isItems(value)) return value.length === 0 ? this.#piece('[]') : this.#items(value, indent);
    if (value instanceof Obj) return isFilled(value, this.#run) ? this.#members(value, indent) : this.#piece('{}');
    if (typeof value === 'string') return this.#string(value, indent);
    if (typeof value === 'number') return this.#piece(printShortest(value));
    // A function is nothing, as in the reference.
    return this.#piece(value === null || typeof value === 'boolean' ? String(value) : '');
  }

  #string(text: string, indent: string): string {
    if (!text.endsWith('\n')) return this.#piece(quoteJson(text));
    const lines = text.slice(0, -1).split('\n');
    this.#run.output(lines.length * (indent.length + 3) + text.length);
    return `|${lines.map((line) => `\n${indent}  ${line}`).join('')}`;
  }

  #items(items: Items, indent: string): string {
    let text = '';
    for (const [index, item] of items.entries()) {
      const value = force(item, this.#run);
      if (index > 0) text += this.#piece(`\n${indent}`);
      const nested = isItems(value) || value instanceof Obj;
      text += this.#piece(isItems(value) && value.length > 0 ? `-\n${indent}  ` : '- ');
      text += this.text(value, nested ? `${indent}  ` : indent);
    }
    return text;
  }

  #members(object: Obj, indent: string): string {
    let text = '';
    for (const [index, name] of visibleNames(object, this.#run).entries()) {
      const value = getField(object, name, this.#run);
      if (index > 0) text += this.#piece(`\n${indent}`);
      const quoted = this.#options.quoteKeys || needsQuotes(name);
      text += this.#piece(`${quoted ? quoteJson(name) : name}:`);
      const deeper = isFilled(value, this.#run) && (this.#options.indentArrays || !isItems(value));
      const inner = deeper ? `${indent}  ` : indent;
      text += this.#piece(isFilled(value, this.#run) ? `\n${inner}` : ' ');
      text += this.text(value, inner);
    }
    return text;
  }

  #piece(text: string): string {
    this.#run.output(text.length);
    return text;
  }
}
