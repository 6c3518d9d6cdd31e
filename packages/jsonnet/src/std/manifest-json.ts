import { expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { getField, visibleNames } from '../run/object.ts';
import { force, isItems, Obj, type Run, type Value } from '../run/value.ts';
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
  return new JsonWriter(texts, run).text(value, undefined, '');
}

class JsonWriter {
  readonly #style: Style;
  readonly #run: Run;

  constructor(style: Style, run: Run) {
    this.#style = style;
    this.#run = run;
  }

  text(value: Value, path: ValuePath | undefined, indent: string): string {
    const run = this.#run;
    run.enterLevel();
    run.charge(1);
    const text = this.#text(value, path, indent);
    run.depth -= 1;
    run.output(isItems(value) || value instanceof Obj ? 2 * (indent.length + this.#style.newline.length + 1) : text.length);
    return text;
  }

  #text(value: Value, path: ValuePath | undefined, indent: string): string {
    if (typeof value === 'string') return quoteGoJson(value);
    if (typeof value === 'number') return printShortest(value);
    if (value === null || typeof value === 'boolean') return String(value);
    const { newline, colon } = this.#style;
    const inner = indent + this.#style.indent;
    let text = '';
    if (isItems(value)) {
      for (let step = 0; step < value.length; step += 1) {
        text += this.#line(text, inner) + this.text(force(value[step] ?? null, this.#run), { around: path, step }, inner);
      }
      return `[${newline}${text}${newline}${indent}]`;
    }
    if (!(value instanceof Obj)) throw new Fault(`tried to manifest function at ${printPath(path)}`);
    for (const step of visibleNames(value, this.#run)) {
      const member = this.text(getField(value, step, this.#run), { around: path, step }, inner);
      text += this.#line(text, `${inner}${quoteGoJson(step)}${colon}`) + member;
    }
    return `{${newline}${text}${newline}${indent}}`;
  }

  /** The begin of a line after others. */
  #line(others: string, begin: string): string {
    const { newline } = this.#style;
    this.#run.output(begin.length + newline.length + 1);
    return others === '' ? begin : `,${newline}${begin}`;
  }
}
