import type { Node } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseForSpecs, parseObject } from './parse-object.ts';
import { stringNode } from './string-literal.ts';
import { printToken, type Token } from './token.ts';

/** A literal, a name, or what brackets and braces hold; parentheses are the expression parser's. */
export function parseTerminal(cursor: Cursor): Node {
  const token = cursor.pop();
  const { kind, begin, end, text } = token;
  switch (kind) {
    case '{':
      return parseObject(cursor, token);
    case '[':
      return parseArray(cursor, token);
    case 'number':
      return { kind, begin, end, value: Number(text) };
    case 'double':
    case 'single':
    case 'block':
    case 'verbatim-double':
    case 'verbatim-single':
      return stringNode(cursor, token);
    case 'true':
    case 'false':
      return { kind: 'boolean', begin, end, value: kind === 'true' };
    case 'null':
      return { kind, begin, end };
    case '$':
      return { kind: 'dollar', begin, end };
    case 'identifier':
      return { kind: 'variable', begin, end, name: text };
    case 'self':
      return { kind, begin, end };
    case 'super':
      return parseSuper(cursor, token);
    case 'end':
      throw cursor.error('Unexpected end of file', token);
    default:
      throw cursor.error(`Unexpected: ${printToken(token)} while parsing terminal`, token);
  }
}

function parseSuper(cursor: Cursor, token: Token): Node {
  const { begin, end } = token;
  const next = cursor.pop();
  if (next.kind === '.') {
    const name = cursor.expect('identifier');
    const index: Node = { kind: 'string', begin: name.begin, end: name.end, value: name.text, block: false };
    return { kind: 'super-index', begin, end, index, dotted: true };
  }
  if (next.kind !== '[') throw cursor.error('Expected . or [ after super', token);
  const index = cursor.expression();
  cursor.expect(']');
  return { kind: 'super-index', begin, end, index, dotted: false };
}

function parseArray(cursor: Cursor, open: Token): Node {
  const elements: Node[] = [];
  for (let comma = true; ; ) {
    const close = cursor.accept(']');
    if (close !== undefined) return { kind: 'array', begin: open.begin, end: close.end, elements };
    if (!comma) throw cursor.error('Expected a comma before next array element', cursor.peek());
    const element = cursor.expression();
    elements.push(element);
    comma = cursor.accept(',') !== undefined;
    if (elements.length === 1 && cursor.accept('for')) {
      const { specs, close: last } = parseForSpecs(cursor, ']');
      return { kind: 'array-comp', begin: open.begin, end: last.end, body: element, specs };
    }
  }
}
