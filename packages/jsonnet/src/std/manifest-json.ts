import { expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { getField, visibleNames } from '../run/object.ts';
import { force, isItems, Obj, type Run, type Value } from '../run/value.ts';
import { printShortest } from '../text/numbers.ts';
import { quoteGoJson } from '../text/quote.ts';

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
  return new JsonWriter(texts, run).text(value, [], '');
}

class JsonWriter {
  readonly #style: Style;
  readonly #run: Run;

  constructor(style: Style, run: Run) {
    this.#style = style;
    this.#run = run;
  }

  text(value: Value, path: readonly string[], indent: string): string {
    const run = this.#run;
    run.enterLevel();
    const text = this.#text(value, path, indent);
    run.depth -= 1;
    run.output(isItems(value) || value instanceof Obj ? 2 * (indent.length + this.#style.newline.length + 1) : text.length);
    return text;
  }

  #text(value: Value, path: readonly string[], indent: string): string {
    if (typeof value === 'string') return quoteGoJson(value);
    if (typeof value === 'number') return printShortest(value);
    if (value === null || typeof value === 'boolean') return String(value);
    const { newline, colon } = this.#style;
    const inner = indent + this.#style.indent;
    if (isItems(value)) {
      const lines = value.map((item, index) => this.#line(inner, this.text(force(item, this.#run), [...path, String(index)], inner)));
      return `[${newline}${lines.join(`,${newline}`)}${newline}${indent}]`;
    }
    if (!(value instanceof Obj)) throw new Fault(`tried to manifest function at [${path.join(' ')}]`);
    const lines = visibleNames(value).map((name) => {
      const member = this.text(getField(value, name, this.#run), [...path, name], inner);
      return this.#line(`${inner}${quoteGoJson(name)}${colon}`, member);
    });
    return `{${newline}${lines.join(`,${newline}`)}${newline}${indent}}`;
  }

  #line(before: string, text: string): string {
    this.#run.output(before.length + this.#style.newline.length + 1);
    return before + text;
  }
}
