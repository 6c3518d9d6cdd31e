import type { JsonnetError } from '../jsonnet-error.ts';
import type { Node } from './ast.ts';
import type { Lexer } from './lexer.ts';
import { type Source, type Span, sourceError } from './source.ts';
import { printKind, printToken, type Token, type TokenKind } from './token.ts';

/** Where the parser stands; the parts of the parser share it and reach each other's rules through `expression`. */
export class Cursor {
  readonly source: Source;
  readonly #lexer: Lexer;
  readonly #expression: (cursor: Cursor) => Node;
  #next: Token;
  #afterNext: Token | undefined;

  constructor(source: Source, lexer: Lexer, expression: (cursor: Cursor) => Node) {
    this.source = source;
    this.#lexer = lexer;
    this.#expression = expression;
    this.#next = lexer.next();
  }

  expression(): Node {
    return this.#expression(this);
  }

  peek(): Token {
    return this.#next;
  }

  /** The token after the next one. */
  peekSecond(): Token {
    this.#afterNext ??= this.#lexer.next();
    return this.#afterNext;
  }

  pop(): Token {
    const token = this.#next;
    this.#next = this.#afterNext ?? this.#lexer.next();
    this.#afterNext = undefined;
    return token;
  }

  /** Pops the next token if it is of this kind. */
  accept(kind: TokenKind): Token | undefined {
    return this.#next.kind === kind ? this.pop() : undefined;
  }

  isOperator(text: string, token = this.#next): boolean {
    return token.kind === 'operator' && token.text === text;
  }

  expect(kind: TokenKind, doing = ''): Token {
    const token = this.pop();
    if (token.kind !== kind) throw this.error(`Expected token ${printKind(kind)} but got ${printToken(token)}${doing}`, token);
    return token;
  }

  expectOperator(text: string): Token {
    const token = this.pop();
    if (token.kind !== 'operator' || token.text !== text) throw this.error(`Expected operator ${text} but got ${printToken(token)}`, token);
    return token;
  }

  error(message: string, span: Span): JsonnetError {
    return sourceError(this.source, span, { kind: 'parse', message });
  }
}
