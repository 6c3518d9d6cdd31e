import type { JsonnetError } from '../jsonnet-error.ts';
import { quoteRune } from '../text/go-quote.ts';
import { isDigit, isLetter, isSpace } from './character.ts';
import { lexBlock } from './lex-block.ts';
import { lexNumber } from './lex-number.ts';
import { type Source, sourceError } from './source.ts';
import { keywordNamed, type Token, type TokenKind } from './token.ts';

const operators = /(?:(?!\/\/|\/\*|\|\|\|)[!$:~+\-&|^=<>*/%])+/y;

/** Reads a source token by token, so that none is kept that the parser has done with. */
export class Lexer {
  readonly #source: Source;
  readonly #text: string;
  #at = 0;
  #runEnd = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
  }

  /** The next token; `end` again and again where none is left. Throws JsonnetError of kind `lex`. */
  next(): Token {
    for (;;) {
      while (isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1;
      if (this.#at >= this.#text.length) return this.#token('end', '', this.#text.length);
      const token = this.#read();
      if (token !== undefined) return token;
    }
  }

  /** What begins here; `undefined` for a comment. */
  #read(): Token | undefined {
    const code = this.#text.charCodeAt(this.#at);
    if (isLetter(code)) return this.#word();
    if (isDigit(code)) return this.#number();
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
        return this.#token(next, next, this.#at + 1);
      case '"':
        return this.#quoted('"', 'double');
      case "'":
        return this.#quoted("'", 'single');
      case '@':
        return this.#verbatim();
      default:
        return this.#symbol(next);
    }
  }

  #word(): Token {
    const text = this.#text;
    let end = this.#at + 1;
    for (let code = text.charCodeAt(end); isLetter(code) || isDigit(code); code = text.charCodeAt(end)) end += 1;
    const name = text.slice(this.#at, end);
    const keyword = keywordNamed(name);
    return this.#token(keyword ?? 'identifier', keyword ?? name, end);
  }

  #number(): Token {
    const number = lexNumber(this.#text, this.#at);
    if ('message' in number) throw this.#error(number.at, number.message);
    return this.#token('number', number.text, number.end);
  }

  #symbol(next: string): Token | undefined {
    if (next === '#' || this.#text.startsWith('//', this.#at)) {
      const stop = this.#text.indexOf('\n', this.#at);
      this.#at = stop < 0 ? this.#text.length : stop;
      return undefined;
    }
    if (this.#text.startsWith('/*', this.#at)) {
      const stop = this.#text.indexOf('*/', this.#at + 2);
      if (stop < 0) throw this.#error(this.#at, 'Multi-line comment has no terminating */');
      this.#at = stop + 2;
      return undefined;
    }
    if (this.#text.startsWith('|||', this.#at)) {
      const block = lexBlock(this.#text, this.#at);
      if (typeof block === 'string') throw this.#error(this.#at, block);
      return this.#token('block', block.text, block.end);
    }
    // A run of symbols is measured once, however many tokens it becomes.
    if (this.#at >= this.#runEnd) this.#runEnd = this.#endOfOperators();
    let run = this.#text.slice(this.#at, this.#runEnd);
    if (run === '') {
      const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
      throw this.#error(this.#at, `Could not lex the character ${quoteRune(character)}`);
    }
    // A run that ends in one of these is one character only, as in the reference: `a==-1` is `a = =-1`.
    if (run.length > 1 && '+-~!$'.includes(run.charAt(run.length - 1))) run = run.charAt(0);
    return this.#token(run === '$' ? '$' : 'operator', run, this.#at + run.length);
  }

  #quoted(quote: string, kind: TokenKind): Token {
    let at = this.#at + 1;
    for (; ; at += 1) {
      const next = this.#text[at];
      if (next === undefined) throw this.#error(this.#at, 'Unterminated String');
      if (next === quote) break;
      if (next === '\\' && at + 1 < this.#text.length) at += 1;
    }
    return this.#token(kind, this.#text.slice(this.#at + 1, at), at + 1);
  }

  #verbatim(): Token {
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
    return this.#token(quote === '"' ? 'verbatim-double' : 'verbatim-single', text, from);
  }

  #endOfOperators(): number {
    operators.lastIndex = this.#at;
    return operators.test(this.#text) ? operators.lastIndex : this.#at;
  }

  #token(kind: TokenKind, text: string, end: number): Token {
    const begin = this.#at;
    this.#at = end;
    return { kind, text, begin, end };
  }

  #error(at: number, message: string): JsonnetError {
    return sourceError(this.#source, { begin: at, end: at }, { kind: 'lex', message });
  }
}
