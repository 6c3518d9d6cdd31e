import { power } from '../math/power.ts';
import { finite } from '../run/expect.ts';
import type { Run } from '../run/value.ts';

/** How a number is written: `zeros` is the width that is filled with zeros. */
export interface NumberStyle {
  readonly zeros: number;
  readonly blank: boolean;
  readonly plus: boolean;
}

const unsigned: NumberStyle = { zeros: 0, blank: false, plus: false };

function sign(negative: boolean, { blank, plus }: NumberStyle): string {
  if (negative) return '-';
  if (plus) return '+';
  return blank ? ' ' : '';
}

/** Fills up to `width` on the left; paid for before. */
export function padLeft(text: string, width: number, { run, fill }: { run: Run; fill: string }): string {
  const missing = Math.ceil(width - text.length);
  if (!(missing > 0)) return text;
  run.checkString(text.length + missing);
  run.chargeCharacters(missing);
  return fill.repeat(missing) + text;
}

/** Digits by repeated division, as the reference does: beyond 2^53 they are not the exact ones. */
function digits(magnitude: number, radix: number, run: Run): string {
  let text = '';
  for (let rest = magnitude; rest !== 0; rest = Math.floor(rest / radix)) {
    // The remainder of a large number takes long.
    run.charge(rest > Number.MAX_SAFE_INTEGER ? 4 : 0.5);
    text = (rest % radix).toString(16) + text;
  }
  return text;
}

interface Integer {
  readonly negative: boolean;
  readonly magnitude: number;
  readonly minDigits: number;
  readonly radix?: number;
  readonly prefix?: string;
}

export function renderInteger(integer: Integer, style: NumberStyle, run: Run): string {
  const { negative, magnitude, minDigits, radix = 10, prefix = '' } = integer;
  const text = magnitude === 0 ? '0' : prefix + digits(magnitude, radix, run);
  const room = style.zeros - (negative || style.blank || style.plus ? 1 : 0);
  return sign(negative, style) + padLeft(text, Math.max(room, minDigits), { run, fill: '0' });
}

interface Hexadecimal {
  readonly value: number;
  readonly minDigits: number;
  readonly marked: boolean;
  readonly capitals: boolean;
}

export function renderHexadecimal({ value, minDigits, marked, capitals }: Hexadecimal, style: NumberStyle, run: Run): string {
  const negative = value < 0;
  const magnitude = Math.floor(Math.abs(value));
  const text = magnitude === 0 ? '0' : digits(magnitude, 16, run);
  const room = style.zeros - (negative || style.blank || style.plus ? 1 : 0) - (marked ? 2 : 0);
  const filled = padLeft(text, Math.max(room, minDigits), { run, fill: '0' });
  const body = (marked ? '0x' : '') + filled;
  return sign(negative, style) + (capitals ? body.toUpperCase() : body);
}

interface Decimal {
  readonly value: number;
  readonly precision: number;
  /** Whether the point is written although nothing follows it. */
  readonly point: boolean;
  /** Whether zeros at the end are kept. */
  readonly trailing: boolean;
}

export function renderDecimal({ value, precision, point, trailing }: Decimal, style: NumberStyle, run: Run): string {
  const magnitude = Math.abs(value);
  const denominator = finite(power(10, precision));
  const numerator = finite(magnitude * denominator) + 0.5;
  const whole = Math.sign(magnitude) * Math.floor(numerator / denominator);
  const fraction = Math.floor(numerator) % denominator;
  const zeros = style.zeros - precision - (precision === 0 && !point ? 0 : 1);
  const text = renderInteger({ negative: value < 0, magnitude: whole, minDigits: 0 }, { ...style, zeros }, run);
  if (precision === 0) return point ? `${text}.` : text;
  if (!trailing && !(fraction > 0)) return text;
  const after = renderInteger({ negative: false, magnitude: fraction, minDigits: precision }, unsigned, run);
  return `${text}.${trailing ? after : after.replace(/0+$/, '')}`;
}

/** Power of ten of the first digit. */
export function exponentOf(value: number): number {
  return value === 0 ? 0 : Math.floor(Math.log(Math.abs(value)) / Math.log(10));
}

export function renderScientific(decimal: Decimal & { readonly capitals: boolean }, style: NumberStyle, run: Run): string {
  const { value, capitals } = decimal;
  const exponent = exponentOf(value);
  const shown = renderInteger(
    { negative: exponent < 0, magnitude: Math.abs(exponent), minDigits: 0 },
    { zeros: 3, blank: false, plus: true },
    run,
  );
  // 10 to the -324 is 0 already.
  const mantissa = exponent === -324 ? (value * 10) / power(10, exponent + 1) : value / power(10, exponent);
  const suffix = (capitals ? 'E' : 'e') + shown;
  return renderDecimal({ ...decimal, value: finite(mantissa) }, { ...style, zeros: style.zeros - suffix.length }, run) + suffix;
}
