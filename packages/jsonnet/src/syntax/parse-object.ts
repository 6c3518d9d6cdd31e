import { Fault } from '../run/fault.ts';
import type { Bind, FieldNode, ForSpec, Node, ObjectAssertNode, Parameter, Visibility } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { namedFunction, parseBind, parseParameters } from './parse-functions.ts';
import { parseAssertMessage } from './parse-statement.ts';
import { stringNode } from './string-literal.ts';
import { isString, printKind, printToken, type Token, type TokenKind } from './token.ts';

interface Members {
  readonly fields: FieldNode[];
  readonly locals: Bind[];
  readonly asserts: ObjectAssertNode[];
  /** Raw text of names that are not computed. */
  readonly names: Set<string>;
  readonly localNames: Set<string>;
}

/** After `{`, up to and with `}`. */
export function parseObject(cursor: Cursor, open: Token): Node {
  const members: Members = { fields: [], locals: [], asserts: [], names: new Set(), localNames: new Set() };
  for (let comma = true; ; ) {
    const next = cursor.pop();
    if (next.kind === '}') {
      const { fields, locals, asserts } = members;
      return { kind: 'object', begin: open.begin, end: next.end, fields, locals, asserts };
    }
    if (next.kind === 'for') return parseObjectComp(cursor, members, { open, next });
    if (!comma) throw cursor.error('Expected a comma before next field', next);
    parseMember(cursor, members, next);
    comma = cursor.accept(',') !== undefined;
  }
}

function parseMember(cursor: Cursor, members: Members, next: Token): void {
  if (next.kind === '[' || next.kind === 'identifier' || isString(next.kind)) {
    members.fields.push(parseField(cursor, members, next));
  } else if (next.kind === 'local') {
    const bind = parseBind(cursor, members.localNames);
    members.localNames.add(bind.name);
    members.locals.push(bind);
  } else if (next.kind === 'assert') {
    const condition = cursor.expression();
    const message = parseAssertMessage(cursor);
    members.asserts.push({ begin: next.begin, end: (message ?? condition).end, condition, message });
  } else {
    throw cursor.error(`Unexpected: ${printToken(next)} while parsing field definition`, next);
  }
}

function parseField(cursor: Cursor, members: Members, next: Token): FieldNode {
  const name = parseFieldName(cursor, next);
  const parameters: Parameter[] | undefined = cursor.accept('(') ? parseParameters(cursor, 'method parameter') : undefined;
  const { plus, visibility } = parseFieldOperator(cursor);
  if (plus && parameters !== undefined) throw cursor.error(`Cannot use +: syntax sugar in a method: ${next.text}`, next);
  if (next.kind !== '[') {
    if (members.names.has(next.text)) throw cursor.error(`Duplicate field: ${next.text}`, next);
    members.names.add(next.text);
  }
  const body = cursor.expression();
  return {
    begin: next.begin,
    end: body.end,
    name,
    visibility,
    plus,
    body: parameters === undefined ? body : namedFunction(next, parameters, body),
  };
}

function parseFieldName(cursor: Cursor, next: Token): Node {
  if (next.kind === '[') {
    const name = cursor.expression();
    cursor.expect(']');
    // Parentheses tell a computed name from a written one: a comprehension takes computed names only.
    return { kind: 'parens', begin: name.begin, end: name.end, inner: name };
  }
  if (isString(next.kind)) return stringNode(cursor, next);
  return { kind: 'string', begin: next.begin, end: next.end, value: next.text, block: false };
}

const visibilities: Readonly<Record<string, Visibility>> = { ':': 'inherit', '::': 'hidden', ':::': 'visible' };

function parseFieldOperator(cursor: Cursor): { plus: boolean; visibility: Visibility } {
  const token = cursor.expect('operator');
  const plus = token.text.startsWith('+');
  const visibility = visibilities[plus ? token.text.slice(1) : token.text];
  if (visibility === undefined) throw cursor.error(`Expected one of :, ::, :::, +:, +::, +:::, got: ${token.text}`, token);
  return { plus, visibility };
}

function parseObjectComp(cursor: Cursor, members: Members, at: { open: Token; next: Token }): Node {
  const [field] = members.fields;
  if (members.asserts.length > 0) throw cursor.error('Object comprehension cannot have asserts', at.next);
  if (field === undefined || members.fields.length > 1) throw cursor.error('Object comprehension can only have one field', at.next);
  if (field.visibility !== 'inherit') throw cursor.error('Object comprehensions cannot have hidden fields', at.next);
  if (field.name.kind !== 'parens') throw cursor.error('Object comprehensions can only have [e] fields', at.next);
  const { specs, close } = parseForSpecs(cursor, '}');
  return { kind: 'object-comp', begin: at.open.begin, end: close.end, field, locals: members.locals, specs };
}

/** Loops of one comprehension: each is within the one before, and few stacks hold as many. */
const maxLoops = 2000;

/** After the first `for`, up to and with the bracket that closes the comprehension. */
export function parseForSpecs(cursor: Cursor, end: TokenKind): { specs: ForSpec[]; close: Token } {
  const specs: ForSpec[] = [];
  for (;;) {
    const name = cursor.expect('identifier').text;
    cursor.expect('in');
    const items = cursor.expression();
    const conditions: Node[] = [];
    let next = cursor.pop();
    for (; next.kind === 'if'; next = cursor.pop()) conditions.push(cursor.expression());
    if (specs.length >= maxLoops) throw new Fault('max stack frames exceeded.', 'budget');
    specs.push({ name, items, conditions });
    if (next.kind === end) return { specs, close: next };
    if (next.kind !== 'for') {
      throw cursor.error(`Expected for, if or ${printKind(end)} after for clause, got: ${printToken(next)}`, next);
    }
  }
}
