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
  return new YamlWriter(options, run).text(value);
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

/** What a value costs beside its level. */
const stepsPerValue = 7;

class YamlWriter {
  readonly #options: Options;
  readonly #run: Run;
  readonly #pieces: string[] = [];

  constructor(options: Options, run: Run) {
    this.#options = options;
    this.#run = run;
  }

  text(value: Value): string {
    this.#write(value, '\n');
    return this.#pieces.join('');
  }

  /** `newline` is followed by the indent of the value. */
  #write(value: Value, newline: string): void {
    const run = this.#run;
    run.enterLevel();
    run.charge(stepsPerValue);
    if (value instanceof Obj) this.#members(value, newline);
    else if (isItems(value)) this.#items(value, newline);
    else if (typeof value === 'string') this.#string(value, newline);
    else if (typeof value === 'number') this.#piece(printShortest(value));
    // A function is nothing, as in the reference.
    else this.#piece(value === null || typeof value === 'boolean' ? String(value) : '');
    run.depth -= 1;
  }

  #string(text: string, newline: string): void {
    if (!text.endsWith('\n')) {
      this.#piece(quoteJson(text));
      return;
    }
    const lines = text.slice(0, -1).split('\n');
    this.#run.output(lines.length * (newline.length + 2) + text.length);
    this.#pieces.push('|');
    for (const line of lines) this.#pieces.push(newline, '  ', line);
  }

  #items(items: Items, newline: string): void {
    if (items.length === 0) this.#piece('[]');
    const inner = `${newline}  `;
    const dash = `-${inner}`;
    for (let index = 0; index < items.length; index += 1) {
      const value = force(items[index] ?? null, this.#run);
      if (index > 0) this.#piece(newline);
      const nested = isItems(value) || value instanceof Obj;
      this.#piece(isItems(value) && value.length > 0 ? dash : '- ');
      this.#write(value, nested ? inner : newline);
    }
  }

  #members(object: Obj, newline: string): void {
    const run = this.#run;
    const names = visibleNames(object, run);
    if (names.length === 0) this.#piece('{}');
    const deeper = `${newline}  `;
    let before = '';
    for (const name of names) {
      const value = getField(object, name, run);
      if (before !== '') this.#piece(before);
      before = newline;
      const quoted = this.#options.quoteKeys || needsQuotes(name);
      this.#piece(quoted ? quoteJson(name) : name);
      const filled = isFilled(value, run);
      const inner = filled && (this.#options.indentArrays || !isItems(value)) ? deeper : newline;
      this.#piece(filled ? ':' : ': ');
      if (filled) this.#piece(inner);
      this.#write(value, inner);
    }
  }

  #piece(text: string): void {
    this.#run.output(text.length);
    this.#pieces.push(text);
  }
}
