import type { JsonnetError } from '../jsonnet-error.ts';
import type { Node } from './ast.ts';
import { type Source, type Span, sourceError } from './source.ts';
import { printKind, printToken, type Token, type TokenKind } from './token.ts';

/** Where the parser stands; the parts of the parser share it and reach each other's rules through `expression`. */
export class Cursor {
  readonly source: Source;
  readonly #tokens: readonly Token[];
  readonly #expression: (cursor: Cursor) => Node;
  readonly #last: Token;
  #at = 0;

  constructor(source: Source, tokens: readonly Token[], expression: (cursor: Cursor) => Node) {
    this.source = source;
    this.#tokens = tokens;
    this.#expression = expression;
    this.#last = tokens.at(-1) ?? { kind: 'end', text: '', begin: 0, end: 0 };
  }

  expression(): Node {
    return this.#expression(this);
  }

  peek(ahead = 0): Token {
    return this.#tokens[this.#at + ahead] ?? this.#last;
  }

  pop(): Token {
    const token = this.peek();
    this.#at += 1;
    return token;
  }

  /** Pops the next token if it is of this kind. */
  accept(kind: TokenKind): Token | undefined {
    return this.peek().kind === kind ? this.pop() : undefined;
  }

  isOperator(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
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
