import type { Json } from '../json.ts';
import { Fault } from '../run/fault.ts';
import { quoteRune, quoteString } from '../text/go-quote.ts';

/** Reads JSON; what is wrong with it is said as the reference says it. */
export function parseJson(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Fault(`failed to parse JSON: ${new Checker(text).problem()}`);
  }
  const large = mayOverflow.test(text) ? firstTooLarge(text) : undefined;
  if (large !== undefined) throw new Fault(`failed to parse JSON: json: cannot unmarshal number ${large} into Go value of type float64`);
  return value;
}

const mayOverflow = /[eE]\+?[0-9]{3}|[0-9]{308}/;

function firstTooLarge(text: string): string | undefined {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*/g) ?? [];
  return tokens.find((token) => !token.startsWith('"') && !Number.isFinite(Number(token)));
}

class Stop extends Error {}

/** Walks through a text that is not JSON up to where it goes wrong. */
class Checker {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  problem(): string {
    try {
      this.#value();
      this.#space();
      return this.#invalid('after top-level value', undefined);
    } catch (error) {
      return error instanceof Stop ? error.message : 'unexpected end of JSON input';
    }
  }

  #invalid(where: string, atEnd: string | undefined): string {
    const code = this.#text.codePointAt(this.#at);
    const character = code === undefined ? atEnd : firstByte(String.fromCodePoint(code));
    return character === undefined ? 'unexpected end of JSON input' : `invalid character ${quoteCharacter(character)} ${where}`;
  }

  /** Where a space is allowed too, the end of the text is another problem. */
  #fail(where: string): never {
    throw new Stop(this.#invalid(where, undefined));
  }

  /** Within a word, a number or an escape the end of the text is taken for a space. */
  #failInside(where: string): never {
    throw new Stop(this.#invalid(where, ' '));
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text.charAt(this.#at)) && this.#at < this.#text.length) this.#at += 1;
  }

  #value(): void {
    this.#space();
    const next = this.#text.charAt(this.#at);
    if (next === '{') this.#object();
    else if (next === '[') this.#array();
    else if (next === '"') this.#string();
    else if (next === '-' || (next >= '0' && next <= '9')) this.#number();
    else if (next === 't' || next === 'f' || next === 'n') this.#word({ t: 'true', f: 'false', n: 'null' }[next]);
    else this.#fail('looking for beginning of value');
  }

  #word(word: string): void {
    for (let index = 1; index < word.length; index += 1) {
      this.#at += 1;
      if (this.#text[this.#at] !== word[index]) this.#failInside(`in literal ${word} (expecting ${quoteRune(word.charAt(index))})`);
    }
    this.#at += 1;
  }

  #number(): void {
    if (this.#text[this.#at] === '-') {
      this.#at += 1;
      if (!this.#isDigit()) this.#failInside('in numeric literal');
    }
    if (this.#text[this.#at] === '0') this.#at += 1;
    else this.#digits();
    if (this.#text[this.#at] === '.') {
      this.#at += 1;
      if (!this.#isDigit()) this.#failInside('after decimal point in numeric literal');
      this.#digits();
    }
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      this.#at += 1;
      if (this.#text[this.#at] === '+' || this.#text[this.#at] === '-') this.#at += 1;
      if (!this.#isDigit()) this.#failInside('in exponent of numeric literal');
      this.#digits();
    }
  }

  #isDigit(): boolean {
    const next = this.#text.charAt(this.#at);
    return next >= '0' && next <= '9';
  }

  #digits(): void {
    while (this.#isDigit()) this.#at += 1;
  }

  #string(): void {
    for (this.#at += 1; this.#text[this.#at] !== '"'; this.#at += 1) {
      const next = this.#text[this.#at];
      if (next === undefined) this.#fail('');
      if (next < ' ') this.#fail('in string literal');
      if (next === '\\') this.#escape();
    }
    this.#at += 1;
  }

  #escape(): void {
    this.#at += 1;
    const next = this.#text.charAt(this.#at);
    if (next === 'u') {
      for (let index = 0; index < 4; index += 1) {
        this.#at += 1;
        if (!/[0-9a-fA-F]/.test(this.#text.charAt(this.#at))) this.#failInside('in \\u hexadecimal character escape');
      }
    } else if (next === '' || !'"\\/bfnrt'.includes(next)) {
      this.#failInside('in string escape code');
    }
  }

  #array(): void {
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === ']') {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#value();
      this.#space();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== ']') this.#fail('after array element');
      this.#at += 1;
      if (next === ']') return;
    }
  }

  #object(): void {
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] === '}') {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail('looking for beginning of object key string');
      this.#string();
      this.#space();
      if (this.#text[this.#at] !== ':') this.#fail('after object key');
      this.#at += 1;
      this.#value();
      this.#space();
      const next = this.#text[this.#at];
      if (next !== ',' && next !== '}') this.#fail('after object key:value pair');
      this.#at += 1;
      if (next === '}') return;
    }
  }
}

/** The reference reads bytes, so it names the first one of a character. */
function firstByte(character: string): string {
  return String.fromCodePoint(Buffer.from(character)[0] ?? 0);
}

function quoteCharacter(character: string): string {
  if (character === "'") return "'\\''";
  return character === '"' ? `'"'` : `'${quoteString(character).slice(1, -1)}'`;
}
