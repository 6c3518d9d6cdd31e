import { expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { getField, visibleNames } from '../run/object.ts';
import { force, type Items, isItems, Obj, type Run, type Value } from '../run/value.ts';
import { printShortest } from '../text/numbers.ts';
import { quoteGoJson } from '../text/quote.ts';
import { printPath, type ValuePath } from './value-path.ts';

interface Style {
  readonly indent: string;
  readonly newline: string;
  readonly colon: string;
}

/** `std.manifestJsonEx` and its short forms. */
export function manifestJson(
  value: Value,
  style: { indent: Value; newline?: Value | undefined; colon?: Value | undefined },
  run: Run,
): string {
  const { indent, newline = '\n', colon = ': ' } = style;
  const texts = { indent: expectString(indent), newline: expectString(newline), colon: expectString(colon) };
  return new JsonWriter(texts, run).text(value);
}

/** What a value costs beside its level. */
const stepsPerValue = 12;

class JsonWriter {
  readonly #style: Style;
  readonly #run: Run;
  readonly #pieces: string[] = [];
  /** A new line with its indent, by depth, and the same after a comma: all pieces are kept, so these are shared. */
  readonly #begins: string[];
  readonly #separators: string[];

  constructor(style: Style, run: Run) {
    this.#style = style;
    this.#run = run;
    this.#begins = [style.newline];
    this.#separators = [`,${style.newline}`];
  }

  text(value: Value): string {
    this.#write(value, undefined, 0);
    return this.#pieces.join('');
  }

  #write(value: Value, path: ValuePath | undefined, depth: number): void {
    const run = this.#run;
    run.enterLevel();
    run.charge(stepsPerValue);
    if (isItems(value)) this.#items(value, path, depth);
    else if (value instanceof Obj) this.#members(value, path, depth);
    else if (typeof value === 'string') this.#piece(quoteGoJson(value));
    else if (typeof value === 'number') this.#piece(printShortest(value));
    else if (value === null || typeof value === 'boolean') this.#piece(String(value));
    else throw new Fault(`tried to manifest function at ${printPath(path)}`);
    run.depth -= 1;
  }

  #items(items: Items, path: ValuePath | undefined, depth: number): void {
    this.#piece('[');
    if (items.length === 0) this.#piece(this.#style.newline);
    for (let step = 0; step < items.length; step += 1) {
      const item = force(items[step] ?? null, this.#run);
      this.#begin(step, depth + 1);
      this.#write(item, { around: path, step }, depth + 1);
    }
    this.#begin(0, depth);
    this.#piece(']');
  }

  #members(object: Obj, path: ValuePath | undefined, depth: number): void {
    const names = visibleNames(object, this.#run);
    this.#piece('{');
    if (names.length === 0) this.#piece(this.#style.newline);
    for (const [index, step] of names.entries()) {
      const member = getField(object, step, this.#run);
      this.#begin(index, depth + 1);
      this.#piece(`${quoteGoJson(step)}${this.#style.colon}`);
      this.#write(member, { around: path, step }, depth + 1);
    }
    this.#begin(0, depth);
    this.#piece('}');
  }

  #begin(index: number, depth: number): void {
    const begins = this.#begins;
    if (begins.length === depth) {
      const begin = `${begins[depth - 1] ?? ''}${this.#style.indent}`;
      begins.push(begin);
      this.#separators.push(`,${begin}`);
    }
    this.#piece((index === 0 ? begins : this.#separators)[depth] ?? '');
  }

  #piece(text: string): void {
    this.#run.output(text.length);
    this.#pieces.push(text);
  }
}
