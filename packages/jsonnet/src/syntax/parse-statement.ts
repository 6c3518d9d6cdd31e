import type { Bind, ImportKind, Node } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseBind, parseParameters } from './parse-functions.ts';
import { printToken, type Token } from './token.ts';

/** What begins with a keyword and reaches as far to the right as it can; `undefined` where none begins. */
export function parseStatement(cursor: Cursor): Node | undefined {
  const { kind } = cursor.peek();
  switch (kind) {
    case 'assert':
      return parseAssert(cursor, cursor.pop());
    case 'error': {
      const { begin } = cursor.pop();
      const message = cursor.expression();
      return { kind: 'error', begin, end: message.end, message };
    }
    case 'if':
      return parseConditional(cursor, cursor.pop());
    case 'function':
      return parseFunction(cursor, cursor.pop());
    case 'import':
    case 'importstr':
    case 'importbin':
      return parseImport(cursor, kind);
    case 'local':
      return parseLocal(cursor, cursor.pop());
    default:
      return undefined;
  }
}

function parseAssert(cursor: Cursor, { begin }: Token): Node {
  const condition = cursor.expression();
  const message = parseAssertMessage(cursor);
  cursor.expect(';');
  const rest = cursor.expression();
  return { kind: 'assert', begin, end: rest.end, condition, message, rest };
}

function parseConditional(cursor: Cursor, { begin }: Token): Node {
  const condition = cursor.expression();
  cursor.expect('then');
  const yes = cursor.expression();
  const no = cursor.accept('else') ? cursor.expression() : undefined;
  return { kind: 'conditional', begin, end: (no ?? yes).end, condition, yes, no };
}

function parseFunction(cursor: Cursor, { begin }: Token): Node {
  const next = cursor.pop();
  if (next.kind !== '(') throw cursor.error(`Expected ( but got ${printToken(next)}`, next);
  const parameters = parseParameters(cursor, 'function parameter');
  const body = cursor.expression();
  return { kind: 'function', begin, end: body.end, parameters, body };
}

function parseImport(cursor: Cursor, of: ImportKind): Node {
  const { begin } = cursor.pop();
  const file = cursor.expression();
  if (file.kind !== 'string') throw cursor.error('Computed imports are not allowed', file);
  if (file.block) throw cursor.error('Block string literals not allowed in imports', file);
  return { kind: 'import', begin, end: file.end, of, path: file.value };
}

function parseLocal(cursor: Cursor, { begin }: Token): Node {
  const binds: Bind[] = [];
  const names = new Set<string>();
  for (;;) {
    const bind = parseBind(cursor, names);
    names.add(bind.name);
    binds.push(bind);
    const next = cursor.pop();
    if (next.kind === ';') break;
    if (next.kind !== ',') throw cursor.error(`Expected , or ; but got ${printToken(next)}`, next);
  }
  const body = cursor.expression();
  return { kind: 'local', begin, end: body.end, binds, body };
}

/** `: message`, if it stands there. */
export function parseAssertMessage(cursor: Cursor): Node | undefined {
  if (!cursor.isOperator(':')) return undefined;
  cursor.pop();
  return cursor.expression();
}
