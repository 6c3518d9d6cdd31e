import { quoteRune } from '../text/go-quote.ts';
import { isDigit } from './character.ts';

interface Failure {
  readonly at: number;
  readonly message: string;
}

interface NumberText {
  readonly end: number;
  /** Without underscores. */
  readonly text: string;
}

/** Digits with single underscores between them; `undefined` where no digit stands. */
const digits = /[0-9](?:_?[0-9])*/y;

function digitsAt(source: string, from: number): number {
  digits.lastIndex = from;
  return digits.test(source) ? digits.lastIndex : from;
}

/** Reads the number that begins at `from`, where a digit stands. A sign is an operator, so it is none of it. */
export function lexNumber(source: string, from: number): NumberText | Failure {
  let end = from + 1;
  // Most numbers are a few digits.
  if (source[from] !== '0') while (isDigit(source.charCodeAt(end))) end += 1;
  const next = source[end];
  if (next !== '_' && next !== '.' && next !== 'e' && next !== 'E') return { end, text: source.slice(from, end) };
  return lexLongNumber(source, from);
}

function lexLongNumber(source: string, from: number): NumberText | Failure {
  const junk = (at: number, after: string): Failure => ({
    at,
    message: `Couldn't lex number, junk after ${after}: ${quoteRune(String.fromCodePoint(source.codePointAt(at) ?? 0xfffd))}`,
  });
  let end = from + 1;
  if (source[from] === '0') {
    if (source[end] === '_') return { at: end, message: "Couldn't lex number, _ not allowed after leading 0" };
  } else {
    end = digitsAt(source, from);
    if (source[end] === '_') return junk(end + 1, "'_'");
  }
  if (source[end] === '.') {
    const start = end + 1;
    end = digitsAt(source, start);
    if (end === start) return junk(start, 'decimal point');
    if (source[end] === '_') return junk(end + 1, "'_'");
  }
  if (source[end] === 'e' || source[end] === 'E') {
    const sign = source[end + 1] === '+' || source[end + 1] === '-';
    const start = end + (sign ? 2 : 1);
    end = digitsAt(source, start);
    if (end === start) return junk(start, sign ? 'exponent sign' : "'E'");
    if (source[end] === '_') return junk(end + 1, "'_'");
  }
  return { end, text: source.slice(from, end).replaceAll('_', '') };
}
