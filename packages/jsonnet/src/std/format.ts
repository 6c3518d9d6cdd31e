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
import { stdFault, within } from './std-fault.ts';

/** `std.format`: the values are an array, an object whose fields the codes name, or a single value. */
export function format(text: string, values: Value, run: Run): string {
  run.charge(4 + text.length / 4);
  if (values instanceof Obj) return within('822:7-43', () => formatWith(text, new ObjectValues(values, run), run));
  if (isItems(values)) return within('820:7-46', () => formatWith(text, new ArrayValues(values, run), run));
  return within('824:7-48', () => formatWith(text, new ArrayValues([values], run), run));
}

function formatWith(text: string, values: Values, run: Run): string {
  let out = '';
  for (const { text: before, code } of parseFormat(text)) {
    out += before;
    if (code !== undefined) out += formatted(code, values.take(code), run);
    run.checkString(out.length);
  }
  values.end();
  run.chargeCharacters(out.length);
  return out;
}

/** What one code takes from the values; each is evaluated when it is asked for. */
interface Taken {
  width(): number;
  precision(): number | undefined;
  value(): Value;
  /** The value's index or field, for errors. */
  readonly name: string;
}

/** Where the values of codes come from. */
interface Values {
  take(code: FormatCode): Taken;
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

  take({ width, precision, type }: FormatCode): Taken {
    const widthAt = this.#next;
    const precisionAt = widthAt + (width === '*' ? 1 : 0);
    const valueAt = precisionAt + (precision === '*' ? 1 : 0);
    this.#next = valueAt + (type === '%' ? 0 : 1);
    return {
      width: () => (width === '*' ? this.#star(widthAt) : width),
      precision: () => (precision === '*' ? this.#star(precisionAt) : precision),
      value: () => this.#value(valueAt),
      name: String(valueAt),
    };
  }

  #star(index: number): number {
    const item = this.#items[index];
    if (item === undefined) throw new Fault(`Not enough values to format: ${this.#items.length}, expected at least ${index}`);
    return expectNumber(force(item, this.#run));
  }

  #value(index: number): Value {
    const item = this.#items[index];
    if (item === undefined) throw new Fault(`Not enough values to format: ${this.#items.length}, expected more than ${index}`);
    return force(item, this.#run);
  }

  end(): void {
    const { length } = this.#items;
    if (this.#next >= length) return;
    const context = 'function <format_codes_arr>';
    throw within(
      '733:11-59',
      () => {
        throw stdFault(`Too many values to format: ${length}, expected ${this.#next}`, '727:11-86', context);
      },
      context,
    );
  }
}

class ObjectValues implements Values {
  readonly #object: Obj;
  readonly #run: Run;

  constructor(object: Obj, run: Run) {
    this.#object = object;
    this.#run = run;
  }

  take({ key, width, precision }: FormatCode): Taken {
    return {
      width: () => {
        if (width === '*') throw new Fault('Cannot use * field width with object.');
        return width;
      },
      precision: () => {
        if (precision === '*') throw new Fault('Cannot use * precision with object.');
        return precision;
      },
      value: () => this.#value(key),
      name: key ?? '',
    };
  }

  #value(key: string | undefined): Value {
    if (key === undefined) throw new Fault('Mapping keys required.');
    if (!hasFieldFrom(this.#object, 0, { name: key, run: this.#run })) throw new Fault(`No such field: ${key}`);
    return getField(this.#object, key, this.#run);
  }

  end(): void {
    // Fields that no code names are no error.
  }
}

/** The reference asks for the width first, unless the padding is to the right. */
function formatted(code: FormatCode, taken: Taken, run: Run): string {
  run.charge(4);
  if (code.left) {
    const text = rendered(code, { ...taken, zeros: 0 }, run);
    return text + padding(taken.width(), text, run);
  }
  const width = taken.width();
  const text = rendered(code, { ...taken, zeros: code.zero ? width : 0 }, run);
  return padding(width, text, run) + text;
}

function padding(width: number, text: string, run: Run): string {
  return padLeft('', Math.ceil(width) - pointLength(text), { run, fill: ' ' });
}

interface Rendering extends Taken {
  /** Width that is filled with zeros. */
  readonly zeros: number;
}

function rendered(code: FormatCode, taken: Rendering, run: Run): string {
  if (code.type === '%') return '%';
  const value = taken.value();
  if (code.type === 's') return stringText(value, run);
  if (code.type === 'c') return character(value);
  if (typeof value !== 'number') throw new Fault(`Format required number at ${taken.name}, got ${typeName(value)}`);
  return renderedNumber(value, { code, zeros: taken.zeros, precision: taken.precision() }, run);
}

interface NumberRendering {
  readonly code: FormatCode;
  readonly zeros: number;
  readonly precision: number | undefined;
}

function renderedNumber(value: number, { code, zeros, precision }: NumberRendering, run: Run): string {
  const style: NumberStyle = { zeros, blank: code.blank, plus: code.plus };
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
