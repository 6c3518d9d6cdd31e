import type { JsonnetError } from '../jsonnet-error.ts';
import { quoteRune } from '../text/go-quote.ts';
import { lexBlock } from './lex-block.ts';
import { lexNumber } from './lex-number.ts';
import { type Source, sourceError } from './source.ts';
import { isKeyword, type Token, type TokenKind } from './token.ts';

const space = /[ \t\r\n]*/y;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;
const operator = /(?:(?!\/\/|\/\*|\|\|\|)[!$:~+\-&|^=<>*/%])+/y;

/** All tokens of a source, of which the last is `end`. Throws JsonnetError of kind `lex`. */
export function lex(source: Source): Token[] {
  return new Lexer(source).tokens();
}

class Lexer {
  readonly #source: Source;
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #runEnd = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
  }

  tokens(): Token[] {
    for (;;) {
      this.#at = this.#endOf(space);
      if (this.#at >= this.#text.length) break;
      this.#token();
    }
    this.#add('end', '', this.#text.length);
    return this.#tokens;
  }

  #token(): void {
    const next = this.#text[this.#at] ?? '';
    switch (next) {
      case '{':
      case '}':
      case '[':
      case ']':
      case ',':
      case '.':
      case '(':
      case ')':
      case ';':
        this.#add(next, next, this.#at + 1);
        return;
      case '"':
        this.#quoted('"', 'double');
        return;
      case "'":
        this.#quoted("'", 'single');
        return;
      case '@':
        this.#verbatim();
        return;
      default:
    }
    if (next >= '0' && next <= '9') {
      this.#number();
      return;
    }
    const name = this.#text.slice(this.#at, this.#endOf(word));
    if (name !== '') this.#add(isKeyword(name) ? name : 'identifier', name, this.#at + name.length);
    else this.#symbol(next);
  }

  #number(): void {
    const number = lexNumber(this.#text, this.#at);
    if ('message' in number) throw this.#error(number.at, number.message);
    this.#add('number', number.text, number.end);
  }

  #symbol(next: string): void {
    if (next === '#' || this.#text.startsWith('//', this.#at)) {
      const stop = this.#text.indexOf('\n', this.#at);
      this.#at = stop < 0 ? this.#text.length : stop;
      return;
    }
    if (this.#text.startsWith('/*', this.#at)) {
      const stop = this.#text.indexOf('*/', this.#at + 2);
      if (stop < 0) throw this.#error(this.#at, 'Multi-line comment has no terminating */');
      this.#at = stop + 2;
      return;
    }
    if (this.#text.startsWith('|||', this.#at)) {
      const block = lexBlock(this.#text, this.#at);
      if (typeof block === 'string') throw this.#error(this.#at, block);
      this.#add('block', block.text, block.end);
      return;
    }
    // A run of symbols is measured once, however many tokens it becomes.
    if (this.#at >= this.#runEnd) this.#runEnd = this.#endOf(operator);
    let run = this.#text.slice(this.#at, this.#runEnd);
    if (run === '') {
      const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
      throw this.#error(this.#at, `Could not lex the character ${quoteRune(character)}`);
    }
    // A run that ends in one of these is one character only, as in the reference: `a==-1` is `a = =-1`.
    if (run.length > 1 && '+-~!$'.includes(run.charAt(run.length - 1))) run = run.charAt(0);
    this.#add(run === '$' ? '$' : 'operator', run, this.#at + run.length);
  }

  #quoted(quote: string, kind: TokenKind): void {
    let at = this.#at + 1;
    for (; ; at += 1) {
      const next = this.#text[at];
      if (next === undefined) throw this.#error(this.#at, 'Unterminated String');
      if (next === quote) break;
      if (next === '\\' && at + 1 < this.#text.length) at += 1;
    }
    this.#add(kind, this.#text.slice(this.#at + 1, at), at + 1);
  }

  #verbatim(): void {
    const quote = this.#text[this.#at + 1];
    if (quote !== '"' && quote !== "'") {
      const code = this.#text.codePointAt(this.#at + 1) ?? -1;
      throw this.#error(this.#at, `Couldn't lex verbatim string, junk after '@': ${code}`);
    }
    let text = '';
    let from = this.#at + 2;
    for (;;) {
      const stop = this.#text.indexOf(quote, from);
      if (stop < 0) throw this.#error(this.#at, 'Unterminated String');
      text += this.#text.slice(from, stop);
      from = stop + 1;
      if (this.#text[from] !== quote) break;
      text += quote;
      from += 1;
    }
    this.#add(quote === '"' ? 'verbatim-double' : 'verbatim-single', text, from);
  }

  /** Where what a sticky pattern finds here ends. */
  #endOf(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text) ? pattern.lastIndex : this.#at;
  }

  #add(kind: TokenKind, text: string, end: number): void {
    this.#tokens.push({ kind, text, begin: this.#at, end });
    this.#at = end;
  }

  #error(at: number, message: string): JsonnetError {
    return sourceError(this.#source, { begin: at, end: at }, { kind: 'lex', message });
  }
}
