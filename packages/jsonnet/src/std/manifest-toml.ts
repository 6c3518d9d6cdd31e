import { Fault } from '../run/fault.ts';
import { getField, visibleNames } from '../run/object.ts';
import { force, type Items, isItems, Obj, type Run, typeName, type Value } from '../run/value.ts';
import { printNumber } from '../text/numbers.ts';
import { quoteJson } from '../text/quote.ts';

/** `std.manifestTomlEx`. */
export function manifestToml(value: Value, indent: string, run: Run): string {
  if (!(value instanceof Obj)) throw new Fault(`TOML body must be an object. Got ${typeName(value)}`);
  return new TomlWriter(indent, run).table(value, { path: [], indexed: [], indent: '' });
}

interface Place {
  /** Names of the tables around. */
  readonly path: readonly string[];
  /** With indexes of array elements, for errors. */
  readonly indexed: readonly string[];
  readonly indent: string;
}

function keyText(key: string): string {
  if (key === '') return "''";
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoteJson(key);
}

class TomlWriter {
  readonly #indent: string;
  readonly #run: Run;

  constructor(indent: string, run: Run) {
    this.#indent = indent;
    this.#run = run;
  }

  table(object: Obj, { path, indexed, indent }: Place): string {
    const run = this.#run;
    run.enterLevel();
    const fields: string[] = [];
    const sections: string[] = [''];
    for (const name of visibleNames(object)) {
      const value = getField(object, name, run);
      const at = { path: [...path, name], indexed: [...indexed, name], indent };
      if (value instanceof Obj) sections.push(this.#section(value, '[]', at));
      else if (isItems(value) && this.#isTables(value)) sections.push(this.#tables(value, at));
      else fields.push(...`${keyText(name)} = ${this.#value(value, at.indexed, false)}`.split('\n'));
    }
    run.depth -= 1;
    const body = fields.length > 0 ? indent + fields.join(`\n${indent}`) : '';
    return this.#piece(body) + sections.join('\n\n');
  }

  #isTables(items: Items): boolean {
    return items.length > 0 && items.every((item) => force(item, this.#run) instanceof Obj);
  }

  #tables(items: Items, place: Place): string {
    return items
      .map((item, index) => {
        const value = force(item, this.#run);
        return value instanceof Obj ? this.#section(value, '[[]]', { ...place, indexed: [...place.indexed, String(index)] }) : '';
      })
      .join('\n\n');
  }

  #section(object: Obj, brackets: '[]' | '[[]]', { path, indexed, indent }: Place): string {
    const half = brackets.length / 2;
    const name = path.map(keyText).join('.');
    const title = `${indent}${brackets.slice(0, half)}${name}${brackets.slice(half)}`;
    const newline = visibleNames(object).length > 0 ? '\n' : '';
    return this.#piece(title + newline) + this.table(object, { path, indexed, indent: indent + this.#indent });
  }

  #value(value: Value, path: readonly string[], inline: boolean): string {
    if (value === null) throw new Fault(`Tried to manifest "null" at [${path.join(' ')}]`);
    if (typeof value === 'string') return this.#piece(quoteJson(value));
    if (typeof value === 'number') return this.#piece(printNumber(value));
    if (typeof value === 'boolean') return this.#piece(String(value));
    const run = this.#run;
    run.enterLevel();
    const text = isItems(value) ? this.#items(value, path, inline) : this.#inlineTable(value, path);
    run.depth -= 1;
    return text;
  }

  #items(items: Items, path: readonly string[], inline: boolean): string {
    if (items.length === 0) return this.#piece('[]');
    const indent = inline ? '' : this.#indent;
    const separator = inline ? ' ' : '\n';
    const texts = items.map((item, index) => {
      this.#run.output(indent.length + 2);
      return indent + this.#value(force(item, this.#run), [...path, String(index)], true);
    });
    return `[${separator}${texts.join(`,${separator}`)}${separator}]`;
  }

  #inlineTable(value: Value, path: readonly string[]): string {
    if (!(value instanceof Obj)) throw new Fault(`Tried to manifest function at [${path.join(' ')}]`);
    const texts = visibleNames(value).map((name) => {
      this.#run.output(name.length + 5);
      return `${keyText(name)} = ${this.#value(getField(value, name, this.#run), [...path, name], true)}`;
    });
    return `{ ${texts.join(', ')} }`;
  }

  #piece(text: string): string {
    this.#run.output(text.length);
    return text;
  }
}
