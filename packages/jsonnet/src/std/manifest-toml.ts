import { numberText } from '../manifest/json-text.ts';
import { Fault } from '../run/fault.ts';
import { getField, visibleNames } from '../run/object.ts';
import { force, type Items, isItems, Obj, type Run, typeName, type Value } from '../run/value.ts';
import { quoteJson } from '../text/quote.ts';
import { printPath, type ValuePath } from './value-path.ts';

/** `std.manifestTomlEx`. */
export function manifestToml(value: Value, indent: string, run: Run): string {
  if (!(value instanceof Obj)) throw new Fault(`TOML body must be an object. Got ${typeName(value)}`);
  return new TomlWriter(indent, run).table(value, { title: '', path: undefined, indent: '' });
}

interface Place {
  /** Names of the tables around, with dots. */
  readonly title: string;
  readonly path: ValuePath | undefined;
  readonly indent: string;
}

function keyText(key: string): string {
  if (key === '') return "''";
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoteJson(key);
}

/** What a table costs beside its level and its values. */
const stepsPerTable = 28;

class TomlWriter {
  readonly #indent: string;
  readonly #run: Run;

  constructor(indent: string, run: Run) {
    this.#indent = indent;
    this.#run = run;
  }

  table(object: Obj, { title, path, indent }: Place): string {
    const run = this.#run;
    run.enterLevel();
    run.charge(stepsPerTable);
    const fields: string[] = [];
    let sections = '';
    for (const name of visibleNames(object, this.#run)) {
      const value = getField(object, name, run);
      const at = { title: title === '' ? keyText(name) : `${title}.${keyText(name)}`, path: { around: path, step: name }, indent };
      if (value instanceof Obj) sections += this.#piece('\n\n') + this.#section(value, '[]', at);
      else if (isItems(value) && this.#isTables(value)) sections += this.#tables(value, at);
      else for (const line of `${keyText(name)} = ${this.#value(value, at.path, false)}`.split('\n')) fields.push(line);
    }
    run.depth -= 1;
    const body = fields.length > 0 ? indent + fields.join(`\n${indent}`) : '';
    return this.#piece(body) + sections;
  }

  #isTables(items: Items): boolean {
    return items.length > 0 && items.every((item) => force(item, this.#run) instanceof Obj);
  }

  #tables(items: Items, place: Place): string {
    let text = '';
    for (const [step, item] of items.entries()) {
      const value = force(item, this.#run);
      text += this.#piece('\n\n');
      if (value instanceof Obj) text += this.#section(value, '[[]]', { ...place, path: { around: place.path, step } });
    }
    return text;
  }

  #section(object: Obj, brackets: '[]' | '[[]]', { title, path, indent }: Place): string {
    const half = brackets.length / 2;
    const heading = `${indent}${brackets.slice(0, half)}${title}${brackets.slice(half)}`;
    const newline = visibleNames(object, this.#run).length > 0 ? '\n' : '';
    return this.#piece(heading + newline) + this.table(object, { title, path, indent: indent + this.#indent });
  }

  #value(value: Value, path: ValuePath, inline: boolean): string {
    this.#run.charge(2);
    if (value === null) throw new Fault(`Tried to manifest "null" at ${printPath(path)}`);
    if (typeof value === 'string') return this.#piece(quoteJson(value));
    if (typeof value === 'number') return this.#piece(numberText(value, this.#run));
    if (typeof value === 'boolean') return this.#piece(String(value));
    const run = this.#run;
    run.enterLevel();
    const text = isItems(value) ? this.#items(value, path, inline) : this.#inlineTable(value, path);
    run.depth -= 1;
    return text;
  }

  #items(items: Items, path: ValuePath, inline: boolean): string {
    if (items.length === 0) return this.#piece('[]');
    const indent = inline ? '' : this.#indent;
    const separator = inline ? ' ' : '\n';
    const texts = items.map((item, index) => {
      this.#run.output(indent.length + 2);
      return indent + this.#value(force(item, this.#run), { around: path, step: index }, true);
    });
    return `[${separator}${texts.join(`,${separator}`)}${separator}]`;
  }

  #inlineTable(value: Value, path: ValuePath): string {
    if (!(value instanceof Obj)) throw new Fault(`Tried to manifest function at ${printPath(path)}`);
    const texts = visibleNames(value, this.#run).map((name) => {
      this.#run.output(name.length + 5);
      return `${keyText(name)} = ${this.#value(getField(value, name, this.#run), { around: path, step: name }, true)}`;
    });
    return `{ ${texts.join(', ')} }`;
  }

  #piece(text: string): string {
    this.#run.output(text.length);
    return text;
  }
}
