import { type Lazy, Thunk } from '../run/value.ts';
import type { Node } from '../syntax/ast.ts';
import type { At, Build } from './build.ts';
import { variableLazy } from './variable.ts';

/** The value of an expression that is one whatever surrounds it. */
export function constantOf(node: Node): null | boolean | number | string | undefined {
  switch (node.kind) {
    case 'null':
      return null;
    case 'boolean':
    case 'string':
      return node.value;
    case 'number':
      return Number.isFinite(node.value) ? node.value : undefined;
    case 'parens':
      return constantOf(unwrap(node));
    case 'unary': {
      const operand = unwrap(node.operand);
      return node.operator === '-' && operand.kind === 'number' && Number.isFinite(operand.value) ? -operand.value : undefined;
    }
    default:
      return undefined;
  }
}

/** The expression within its parentheses. */
export function unwrap(node: Node): Node {
  let inner = node;
  while (inner.kind === 'parens') inner = inner.inner;
  return inner;
}

/** For a `local`, whose variables may have no value yet: what reads none of them now is made at once, all else waits. */
export function waitingCode(build: Build, node: Node, at: At): Lazy {
  const constant = constantOf(node);
  if (constant !== undefined) return () => constant;
  const code = build.code(node, at);
  const { kind } = unwrap(node);
  if (kind === 'function' || kind === 'self') return code;
  return (frame) => new Thunk(code, frame);
}

/** For arguments and elements: variables are taken as they are, and literals are made at once. */
export function lazyCode(build: Build, node: Node, at: At): Lazy {
  const inner = unwrap(node);
  if (inner.kind === 'variable') return variableLazy(build, inner, at);
  if (inner.kind === 'array' || (inner.kind === 'object' && inner.fields.every((field) => field.name.kind === 'string'))) {
    return build.code(node, at);
  }
  return waitingCode(build, node, at);
}
