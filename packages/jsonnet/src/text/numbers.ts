/** A number as JSON output prints it: integers in full, others with 17 significant digits. */
export function printNumber(value: number): string {
  if (Number.isInteger(value)) return printInteger(value);
  return printSignificant(value, 17);
}

function printInteger(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '-0' : String(value);
  return BigInt(value).toString();
}

/** C's `%.<digits>g` of a number that is no integer. */
function printSignificant(value: number, digits: number): string {
  // Where neither C nor JavaScript writes an exponent.
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e15 && !mayBeTie(value)) return trimZeros(value.toPrecision(digits));
  const [mantissa = '', exponent = ''] = roundedToEven(value, digits).split('e');
  const power = Number(exponent);
  if (power < -4 || power >= digits) return `${trimZeros(mantissa)}e${printExponent(power)}`;
  return trimZeros(withoutExponent(mantissa, power));
}

/** `toExponential` with this many digits, but of two that are equally near the even one, as in C; JavaScript takes the larger. */
function roundedToEven(value: number, digits: number): string {
  const rounded = value.toExponential(digits - 1);
  if (!mayBeTie(value)) return rounded;
  const longer = value.toExponential(digits);
  const end = longer.indexOf('e');
  if (longer[end - 1] !== '5' || Number(longer[end - 2]) % 2 === 1) return rounded;
  const exact = value.toExponential(100);
  const isTie = exact.startsWith(longer.slice(0, end)) && /^0*e/.test(exact.slice(end));
  if (!isTie) return rounded;
  return longer.slice(0, end - 1) + longer.slice(end);
}

/** A number of exactly 18 digits is a multiple of 2 to the -25, and no shorter than 16 digits. */
function mayBeTie(value: number): boolean {
  return Number.isInteger(value * 2 ** 25) && String(value).length > 16;
}

/** `1.25`, 1 to `12.5`; a mantissa has one digit before its point. */
function withoutExponent(mantissa: string, power: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`;
  return `${sign}${digits.slice(0, power + 1)}.${digits.slice(power + 1)}`;
}

function trimZeros(text: string): string {
  if (!text.includes('.')) return text;
  let end = text.length;
  while (text[end - 1] === '0') end -= 1;
  return text.slice(0, text[end - 1] === '.' ? end - 1 : end);
}

function printExponent(power: number): string {
  return `${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

/** The shortest digits that read back as the number, never with an exponent (Go's format `f` with precision -1). */
export function printShortest(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const at = text.indexOf('e');
  if (at < 0) return text;
  const { sign, digits, power } = scientific(value);
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`;
  return `${sign}${digits.padEnd(power + 1, '0')}`;
}

/** Go's `%v` of a float64. */
export function printGoFloat(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const { sign, digits, power } = scientific(value);
  if (power >= -4 && power < 6) return printShortest(value);
  const fraction = digits.slice(1);
  return `${sign}${digits.slice(0, 1)}${fraction === '' ? '' : `.${fraction}`}e${printExponent(power)}`;
}

function scientific(value: number): { sign: string; digits: string; power: number } {
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e');
  return { sign: value < 0 ? '-' : '', digits: mantissa.replace('.', ''), power: Number(exponent) };
}

/** C's `%f`. */
export function printFixed(value: number): string {
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}
