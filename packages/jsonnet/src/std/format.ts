import { stringText } from '../manifest/json-text.ts';
import { eager } from '../run/builtin.ts';
import { expectNumber, unexpected } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { getField, hasFieldFrom } from '../run/object.ts';
import { force, type Items, isItems, Obj, type Run, typeName, type Value } from '../run/value.ts';
import { pointLength } from '../text/code-points.ts';
import { type FormatCode, parseFormat } from './format-codes.ts';
import {
  exponentOf,
  type NumberStyle,
  padLeft,
  renderDecimal,
  renderHexadecimal,
  renderInteger,
  renderScientific,
} from './format-numbers.ts';

/** `std.format`: the values are an array, an object whose fields the codes name, or a single value. */
export function format(text: string, values: Value, run: Run): string {
  run.chargeCharacters(text.length * 4);
  const source = values instanceof Obj ? new ObjectValues(values, run) : new ArrayValues(isItems(values) ? values : [values], run);
  let out = '';
  for (const { text: before, code } of parseFormat(text)) {
    out += before;
    if (code !== undefined) out += formatted(code, source, run);
    run.checkString(out.length);
  }
  source.end();
  run.chargeCharacters(out.length);
  return out;
}

/** Where the values of codes come from. */
interface Values {
  width(code: FormatCode): number;
  precision(code: FormatCode): number | undefined;
  value(code: FormatCode): { readonly value: Value; readonly name: string };
  end(): void;
}

class ArrayValues implements Values {
  readonly #items: Items;
  readonly #run: Run;
  #next = 0;

  constructor(items: Items, run: Run) {
    this.#items = items;
    this.#run = run;
  }

  width({ width }: FormatCode): number {
    return width === '*' ? this.#star() : width;
  }

  precision({ precision }: FormatCode): number | undefined {
    return precision === '*' ? this.#star() : precision;
  }

  #star(): number {
    const { length } = this.#items;
    if (this.#next >= length) throw new Fault(`Not enough values to format: ${length}, expected at least ${this.#next}`);
    this.#next += 1;
    return expectNumber(force(this.#items[this.#next - 1] ?? null, this.#run));
  }

  value({ type }: FormatCode): { readonly value: Value; readonly name: string } {
    const index = this.#next;
    if (type === '%') return { value: null, name: '' };
    const item = this.#items[index];
    if (item === undefined) throw new Fault(`Not enough values to format: ${this.#items.length}, expected more than ${index}`);
    this.#next += 1;
    return { value: force(item, this.#run), name: String(index) };
  }

  end(): void {
    if (this.#next < this.#items.length) {
      throw new Fault(`Too many values to format: ${this.#items.length}, expected ${this.#next}`);
    }
  }
}

class ObjectValues implements Values {
  readonly #object: Obj;
  readonly #run: Run;

  constructor(object: Obj, run: Run) {
    this.#object = object;
    this.#run = run;
  }

  width({ width }: FormatCode): number {
    if (width === '*') throw new Fault('Cannot use * field width with object.');
    return width;
  }

  precision({ precision }: FormatCode): number | undefined {
    if (precision === '*') throw new Fault('Cannot use * precision with object.');
    return precision;
  }

  value({ key, type }: FormatCode): { readonly value: Value; readonly name: string } {
    if (type === '%') return { value: null, name: '' };
    if (key === undefined) throw new Fault('Mapping keys required.');
    if (!hasFieldFrom(this.#object, 0, key)) throw new Fault(`No such field: ${key}`);
    return { value: getField(this.#object, key, this.#run), name: key };
  }

  end(): void {
    // Fields that no code names are no error.
  }
}

function formatted(code: FormatCode, values: Values, run: Run): string {
  run.charge(1);
  const width = values.width(code);
  const precision = values.precision(code);
  const { value, name } = values.value(code);
  const text = code.type === '%' ? '%' : rendered(value, { code, width, precision, name }, run);
  const missing = Math.ceil(width) - pointLength(text);
  if (missing <= 0) return text;
  const padded = padLeft('', missing, { run, fill: ' ' });
  return code.left ? text + padded : padded + text;
}

interface Rendering {
  readonly code: FormatCode;
  readonly width: number;
  readonly precision: number | undefined;
  readonly name: string;
}

function rendered(value: Value, rendering: Rendering, run: Run): string {
  const { code } = rendering;
  if (code.type === 's') return stringText(value, run);
  if (code.type === 'c') return character(value);
  if (typeof value !== 'number') throw new Fault(`Format required number at ${rendering.name}, got ${typeName(value)}`);
  return renderedNumber(value, rendering, run);
}

function renderedNumber(value: number, { code, width, precision }: Rendering, run: Run): string {
  const style: NumberStyle = { zeros: code.zero && !code.left ? width : 0, blank: code.blank, plus: code.plus };
  const minDigits = precision ?? 0;
  const places = precision ?? 6;
  const decimal = { value, precision: places, point: code.alternate, trailing: true, capitals: code.capitals };
  const integer = { negative: value <= -1, magnitude: Math.floor(Math.abs(value)), minDigits };
  switch (code.type) {
    case 'd':
      return renderInteger(integer, style, run);
    case 'o':
      return renderInteger({ ...integer, radix: 8, prefix: code.alternate ? '0' : '' }, style, run);
    case 'x':
      return renderHexadecimal({ value: Math.floor(value), minDigits, marked: code.alternate, capitals: code.capitals }, style, run);
    case 'f':
      return renderDecimal(decimal, style, run);
    case 'e':
      return renderScientific(decimal, style, run);
    default: {
      const exponent = exponentOf(value);
      const trailing = code.alternate;
      if (exponent < -4 || exponent >= places) return renderScientific({ ...decimal, precision: places - 1, trailing }, style, run);
      return renderDecimal({ ...decimal, precision: places - Math.max(1, exponent + 1), trailing }, style, run);
    }
  }
}

function character(value: Value): string {
  if (typeof value === 'number') {
    if (value > 0x10ffff) throw new Fault(`Invalid unicode codepoint, got ${value}`);
    if (value < 0) throw new Fault(`Codepoints must be >= 0, got ${value}`);
    return String.fromCodePoint(Math.trunc(value)).toWellFormed();
  }
  if (typeof value !== 'string') throw new Fault(`%c expected number / string, got: ${typeName(value)}`);
  if (pointLength(value) !== 1) throw new Fault(`%c expected 1-sized string got: ${pointLength(value)}`);
  return value;
}

export const formatting = {
  format: eager('str vals', ([text = null, values = null], run) => {
    if (typeof text !== 'string') throw unexpected(text);
    return format(text, values, run);
  }),
};
