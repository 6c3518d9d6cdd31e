import { type BinaryOperator, binaryOperators, isBinaryOperator, isUnaryOperator, type Node, type UnaryOperator } from './ast.ts';
import { Cursor } from './cursor.ts';
import { lex } from './lexer.ts';
import { parseStatement } from './parse-statement.ts';
import { parseSuffix } from './parse-suffix.ts';
import { parseTerminal } from './parse-terminal.ts';
import type { Source } from './source.ts';
import { printToken } from './token.ts';

/** Reads a whole program. Throws JsonnetError of kind `lex` or `parse`. */
export function parse(source: Source): Node {
  const cursor = new Cursor(source, lex(source), parseExpression);
  const node = cursor.expression();
  const next = cursor.peek();
  if (next.kind !== 'end') throw cursor.error(`Did not expect: ${printToken(next)}`, next);
  return node;
}

/** What waits for the operand that is being read. */
type Waiting =
  | { readonly kind: 'parens'; readonly begin: number }
  | { readonly kind: 'unary'; readonly begin: number; readonly operator: UnaryOperator }
  | { readonly kind: 'binary'; readonly begin: number; readonly operator: BinaryOperator; readonly left: Node };

/** An operand, and where it begins with its parentheses. */
interface Operand {
  readonly node: Node;
  readonly begin: number;
}

/**
 * Operators and parentheses wait on a list instead of the call stack, so that thousands of them may be nested.
 * The list of one call holds one expression; brackets, braces and keywords inside it are calls of their own.
 */
function parseExpression(cursor: Cursor): Node {
  const waiting: Waiting[] = [];
  for (;;) {
    let operand = parseOperand(cursor, waiting);
    for (;;) {
      operand = applyUnary(waiting, operand);
      const operator = peekBinary(cursor);
      operand = applyBinary(waiting, operand, operator === undefined ? Number.POSITIVE_INFINITY : binaryOperators[operator]);
      if (operator !== undefined) {
        cursor.pop();
        if (operator === 'in' && cursor.peek().kind === 'super') {
          const { end } = cursor.pop();
          operand = { begin: operand.begin, node: { kind: 'in-super', begin: operand.begin, end, index: operand.node } };
          continue;
        }
        waiting.push({ kind: 'binary', begin: operand.begin, operator, left: operand.node });
        break;
      }
      const top = waiting.pop();
      if (top === undefined) return operand.node;
      const close = cursor.expect(')');
      operand = parseSuffixes(cursor, {
        begin: top.begin,
        node: { kind: 'parens', begin: top.begin, end: close.end, inner: operand.node },
      });
    }
  }
}

function parseOperand(cursor: Cursor, waiting: Waiting[]): Operand {
  for (;;) {
    const next = cursor.peek();
    if (next.kind === '(') {
      cursor.pop();
      waiting.push({ kind: 'parens', begin: next.begin });
    } else if (next.kind === 'operator') {
      if (!isUnaryOperator(next.text)) throw cursor.error(`Not a unary operator: ${next.text}`, next);
      cursor.pop();
      waiting.push({ kind: 'unary', begin: next.begin, operator: next.text });
    } else {
      const statement = parseStatement(cursor);
      if (statement !== undefined) return { node: statement, begin: next.begin };
      return parseSuffixes(cursor, { node: parseTerminal(cursor), begin: next.begin });
    }
  }
}

function parseSuffixes(cursor: Cursor, operand: Operand): Operand {
  let whole = operand;
  for (;;) {
    const node = parseSuffix(cursor, whole.node, operand.begin);
    if (node === undefined) return whole;
    whole = { node, begin: operand.begin };
  }
}

function applyUnary(waiting: Waiting[], operand: Operand): Operand {
  let applied = operand;
  for (let top = waiting.at(-1); top?.kind === 'unary'; top = waiting.at(-1)) {
    waiting.pop();
    const { begin, operator } = top;
    const { node } = applied;
    applied = { begin, node: { kind: 'unary', begin, end: node.end, operator, operand: node } };
  }
  return applied;
}

/** Applies what binds at least as tight as an operator of this strength, which stands to the right. */
function applyBinary(waiting: Waiting[], operand: Operand, strength: number): Operand {
  let applied = operand;
  for (let top = waiting.at(-1); top?.kind === 'binary' && binaryOperators[top.operator] <= strength; top = waiting.at(-1)) {
    waiting.pop();
    const { begin, operator, left } = top;
    const { node } = applied;
    applied = { begin, node: { kind: 'binary', begin, end: node.end, operator, left, right: node } };
  }
  return applied;
}

function peekBinary(cursor: Cursor): BinaryOperator | undefined {
  const next = cursor.peek();
  if (next.kind === 'in') return 'in';
  if (next.kind !== 'operator' || next.text === ':' || next.text === '::') return undefined;
  if (!isBinaryOperator(next.text)) throw cursor.error(`Not a binary operator: ${next.text}`, next);
  return next.text;
}
