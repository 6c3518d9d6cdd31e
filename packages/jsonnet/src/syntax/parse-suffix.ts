import type { Node } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseArguments } from './parse-functions.ts';
import { parseObject } from './parse-object.ts';
import { printKind, printToken } from './token.ts';

/**
 * What is applied to `target`: `.name`, `[index]`, `[from:to:step]`, `(arguments)`, `{members}`; `undefined` where none of them stands.
 * `begin` is where the target begins with its parentheses.
 */
export function parseSuffix(cursor: Cursor, target: Node, begin: number): Node | undefined {
  switch (cursor.peek().kind) {
    case '[':
      return parseIndex(cursor, target, begin);
    case '.': {
      cursor.pop();
      const name = cursor.expect('identifier');
      const index: Node = { kind: 'string', begin: name.begin, end: name.end, value: name.text, block: false };
      return { kind: 'index', begin, end: name.end, target, index, dotted: true };
    }
    case '(': {
      cursor.pop();
      const { positional, named, close } = parseArguments(cursor);
      const tailstrict = cursor.accept('tailstrict') !== undefined;
      return { kind: 'apply', begin, end: close.end, target, positional, named, tailstrict };
    }
    case '{': {
      const right = parseObject(cursor, cursor.pop());
      return { kind: 'apply-brace', begin, end: right.end, left: target, right };
    }
    default:
      return undefined;
  }
}

function parseIndex(cursor: Cursor, target: Node, begin: number): Node {
  let last = cursor.pop();
  const parts: (Node | undefined)[] = [];
  let colons = 0;
  let ready = true;
  while (colons < 3) {
    const next = cursor.peek();
    if (next.kind === ']') {
      last = cursor.pop();
      break;
    }
    // The text decides, not the kind: the reference takes the string ":" for a colon here.
    if (next.text === ':' || next.text === '::') {
      last = cursor.pop();
      colons += next.text.length;
      ready = true;
    } else if (ready) {
      parts[colons] = cursor.expression();
      ready = false;
    } else {
      throw cursor.error(`Expected token ${printKind(']')} but got ${printToken(next)}`, next);
    }
  }
  if (colons > 2) throw cursor.error('Invalid slice: too many colons', last);
  const [from, to, step] = parts;
  if (colons > 0) return { kind: 'slice', begin, end: last.end, target, from, to, step };
  if (from === undefined) throw cursor.error('ast.Index requires an expression', last);
  return { kind: 'index', begin, end: last.end, target, index: from, dotted: false };
}
