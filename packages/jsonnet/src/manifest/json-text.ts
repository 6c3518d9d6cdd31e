import { Fault, passing } from '../run/fault.ts';
import { checkAsserts, getField, visibleNames } from '../run/object.ts';
import { Site } from '../run/site.ts';
import { type Fn, force, isItems, Obj, type Run, type Slot, type Value } from '../run/value.ts';
import { quoteString } from '../text/go-quote.ts';
import { printNumber } from '../text/numbers.ts';
import { quoteJson } from '../text/quote.ts';

/** White space of one form of JSON. */
export interface Layout {
  readonly indent: string;
  readonly newline: string;
  readonly comma: string;
  readonly colon: string;
  readonly emptyArray: string;
  readonly emptyObject: string;
}

/** The result of a program. */
export const lines: Layout = { indent: '   ', newline: '\n', comma: ',', colon: ': ', emptyArray: '[ ]', emptyObject: '{ }' };
/** A value that becomes part of a string. */
export const oneLine: Layout = { indent: '', newline: '', comma: ', ', colon: ': ', emptyArray: '[ ]', emptyObject: '{ }' };
export const compact: Layout = { indent: '', newline: '', comma: ',', colon: ':', emptyArray: '[]', emptyObject: '{}' };

/** JSON of a value with everything in it evaluated. Each level counts as a frame and all text as output. */
export function jsonText(value: Value, layout: Layout, run: Run): string {
  if (typeof value !== 'string') return new Writer(layout, run).text(value, layout.newline);
  return quoted(value, run);
}

/** What a number costs that is no small integer. */
const stepsPerNumber = 12;

class Writer {
  readonly #layout: Layout;
  readonly #run: Run;

  constructor(layout: Layout, run: Run) {
    this.#layout = layout;
    this.#run = run;
  }

  /** `newline` is followed by the indent of the line on which the value begins. */
  text(value: Value, newline: string): string {
    const run = this.#run;
    run.enter();
    run.charge(3);
    const text = this.#text(value, newline);
    run.depth -= 1;
    return text;
  }

  #text(value: Value, newline: string): string {
    if (value instanceof Obj) return this.#object(value, newline);
    if (isItems(value)) return this.#array(value, newline);
    if (typeof value === 'string') return quoted(value, this.#run);
    return this.#piece(typeof value === 'number' ? numberText(value, this.#run) : scalarText(value));
  }

  #array(items: readonly Slot[], newline: string): string {
    const { layout, inner, separator } = this.#level(newline);
    if (items.length === 0) return this.#piece(layout.emptyArray);
    let text = this.#piece('[');
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index];
      if (item === undefined) break;
      text += this.#piece(index === 0 ? inner : separator);
      try {
        text += this.text(force(item, this.#run), inner);
      } catch (error) {
        throw passing(error, Site.inWords(`Array element ${index}`));
      }
    }
    return text + this.#piece(`${newline}]`);
  }

  #object(object: Obj, newline: string): string {
    const { layout, inner, separator } = this.#level(newline);
    const names = visibleNames(object, this.#run);
    this.#check(object);
    if (names.length === 0) return this.#piece(layout.emptyObject);
    let text = this.#piece('{');
    let before = inner;
    for (const name of names) {
      text += this.#piece(`${before}${quoteJson(name)}${layout.colon}`);
      before = separator;
      try {
        text += this.text(getField(object, name, this.#run), inner);
      } catch (error) {
        throw passing(error, Site.inWords(`Field ${quoteString(name)}`));
      }
    }
    return text + this.#piece(`${newline}}`);
  }

  #check(object: Obj): void {
    try {
      checkAsserts(object, this.#run);
    } catch (error) {
      throw passing(error, Site.inWords('Checking object assertions'));
    }
  }

  #level(newline: string): { layout: Layout; inner: string; separator: string } {
    const layout = this.#layout;
    const inner = newline + layout.indent;
    return { layout, inner, separator: layout.comma + inner };
  }

  #piece(text: string): string {
    this.#run.output(text.length);
    return text;
  }
}

/** Units that are quoted at once: escapes make a text up to six times as long. */
const chunk = 65_536;

function quoted(text: string, run: Run): string {
  if (text.length <= chunk) {
    const quote = quoteJson(text);
    run.output(quote.length);
    return quote;
  }
  run.output(2);
  let out = '"';
  for (let at = 0; at < text.length; at += chunk) {
    const part = quoteJson(text.slice(at, at + chunk)).slice(1, -1);
    run.output(part.length);
    out += part;
  }
  return `${out}"`;
}

/** Pays for the digits of a number that is no small integer: to make them takes longer than to write them. */
export function numberText(value: number, run: Run): string {
  const text = printNumber(value);
  if (Number.isSafeInteger(value)) return text;
  run.charge(stepsPerNumber);
  run.output(text.length);
  return text;
}

function scalarText(value: null | boolean | Fn | readonly Slot[]): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  throw new Fault("couldn't manifest function as JSON");
}

/** The value as part of a string: a string as it is, anything else as JSON on one line. */
export function stringText(value: Value, run: Run): string {
  return typeof value === 'string' ? value : jsonText(value, oneLine, run);
}
