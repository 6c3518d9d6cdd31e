import type { Bind, FunctionNode, NamedArgument, Node, Parameter } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { printToken, type Token } from './token.ts';

/** After `(`, up to and with `)`; `kind` names one in error texts. */
export function parseParameters(cursor: Cursor, kind: string): Parameter[] {
  const parameters: Parameter[] = [];
  for (let comma = true; ; ) {
    if (cursor.accept(')')) return parameters;
    const next = cursor.peek();
    if (!comma) throw cursor.error(`Expected a comma before next ${kind}, got ${printToken(next)}`, next);
    const name = cursor.expect('identifier', ' while parsing parameter').text;
    if (cursor.isOperator('=')) {
      cursor.pop();
      parameters.push({ name, default: cursor.expression() });
    } else {
      parameters.push({ name, default: undefined });
    }
    comma = cursor.accept(',') !== undefined;
  }
}

export interface Arguments {
  readonly positional: Node[];
  readonly named: NamedArgument[];
  readonly close: Token;
}

/** After `(`, up to and with `)`. */
export function parseArguments(cursor: Cursor): Arguments {
  const positional: Node[] = [];
  const named: NamedArgument[] = [];
  for (let comma = true; ; ) {
    const next = cursor.peek();
    if (next.kind === ')') return { positional, named, close: cursor.pop() };
    if (!comma) throw cursor.error(`Expected a comma before next function argument, got ${printToken(next)}`, next);
    const isNamed = next.kind === 'identifier' && cursor.isOperator('=', cursor.peekSecond());
    if (isNamed) {
      cursor.pop();
      cursor.pop();
    }
    const value = cursor.expression();
    comma = cursor.accept(',') !== undefined;
    if (isNamed) named.push({ name: next.text, value });
    else if (named.length > 0) throw cursor.error('Positional argument after a named argument is not allowed', next);
    else positional.push(value);
  }
}

/** The function whose name stands before its parameters: from the name to the end of the body. */
export function namedFunction(name: Token, parameters: readonly Parameter[], body: Node): FunctionNode {
  return { kind: 'function', begin: name.begin, end: body.end, parameters, body };
}

/** `name = body` or `name(parameters) = body`, where `taken` holds the names before it. */
export function parseBind(cursor: Cursor, taken: ReadonlySet<string>): Bind {
  const name = cursor.expect('identifier');
  if (taken.has(name.text)) throw cursor.error(`Duplicate local var: ${name.text}`, name);
  const parameters = cursor.accept('(') ? parseParameters(cursor, 'function parameter') : undefined;
  cursor.expectOperator('=');
  const body = cursor.expression();
  return { name: name.text, body: parameters === undefined ? body : namedFunction(name, parameters, body) };
}
