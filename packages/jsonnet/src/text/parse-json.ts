import type { Json } from '../json.ts';
import { Fault } from '../run/fault.ts';
import { quoteRune } from './go-quote.ts';

/** Reads JSON; what is wrong with it is said as the reference says it. */
export function parseJson(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault(`failed to parse JSON: ${new Checker(text).problem()}`);
  }
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
      return this.#invalid('after top-level value');
    } catch (error) {
      return error instanceof Stop ? error.message : 'unexpected end of JSON input';
    }
  }

  #invalid(where: string): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) return 'unexpected end of JSON input';
    const character = String.fromCodePoint(code);
    const shown = character === "'" ? "'\\''" : character === '"' ? `'"'` : quoteRune(code > 127 ? firstByte(character) : character);
    return `invalid character ${shown} ${where}`;
  }

  #fail(where: string): never {
    throw new Stop(this.#invalid(where));
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
      if (this.#text[this.#at] !== word[index]) this.#fail(`in literal ${word} (expecting ${quoteRune(word.charAt(index))})`);
    }
    this.#at += 1;
  }

  #number(): void {
    if (this.#text[this.#at] === '-') {
      this.#at += 1;
      if (!this.#isDigit()) this.#fail('in numeric literal');
    }
    if (this.#text[this.#at] === '0') this.#at += 1;
    else this.#digits();
    if (this.#text[this.#at] === '.') {
      this.#at += 1;
      if (!this.#isDigit()) this.#fail('after decimal point in numeric literal');
      this.#digits();
    }
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      this.#at += 1;
      if (this.#text[this.#at] === '+' || this.#text[this.#at] === '-') this.#at += 1;
      if (!this.#isDigit()) this.#fail('in exponent of numeric literal');
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
        if (!/[0-9a-fA-F]/.test(this.#text.charAt(this.#at))) this.#fail('in \\u hexadecimal character escape');
      }
    } else if (next === '' || !'"\\/bfnrt'.includes(next)) {
      this.#fail('in string escape code');
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
