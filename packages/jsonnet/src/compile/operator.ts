import { compare, equals } from '../run/compare.ts';
import { expectBoolean, expectNumber, expectObject, expectString, finite } from '../run/expect.ts';
import { passing } from '../run/fault.ts';
import { hasFieldFrom } from '../run/object.ts';
import { bitNot, bitwise, concat, divide, plus } from '../run/operators.ts';
import type { Site } from '../run/site.ts';
import type { Code, Run, Value } from '../run/value.ts';
import { mod } from '../std/mod.ts';
import type { ApplyBraceNode, BinaryNode, BinaryOperator, UnaryNode } from '../syntax/ast.ts';
import type { At, Build } from './build.ts';
import { constantOf } from './lazy.ts';
import { replacingCode } from './tail.ts';

type Operation = (left: Value, right: Value, run: Run) => Value;

const operations: Readonly<Record<Exclude<BinaryOperator, '&&' | '||' | 'in' | '%'>, Operation>> = {
  '*': (left, right) => finite(expectNumber(left) * expectNumber(right)),
  '/': divide,
  '+': plus,
  '-': (left, right) => finite(expectNumber(left) - expectNumber(right)),
  '<<': (left, right) => bitwise('<<', left, right),
  '>>': (left, right) => bitwise('>>', left, right),
  '<': (left, right, run) => compare(left, right, run) < 0,
  '>': (left, right, run) => compare(left, right, run) > 0,
  '<=': (left, right, run) => compare(left, right, run) <= 0,
  '>=': (left, right, run) => compare(left, right, run) >= 0,
  '==': equals,
  '!=': (left, right, run) => !equals(left, right, run),
  '&': (left, right) => bitwise('&', left, right),
  '^': (left, right) => bitwise('^', left, right),
  '|': (left, right) => bitwise('|', left, right),
};

export function binaryCode(build: Build, node: BinaryNode, at: At): Code {
  const { operator } = node;
  if (operator === '&&' || operator === '||') return shortcutCode(build, node, at);
  if (operator === '+') return plusOf(build, node, at);
  const { scope, place } = at;
  const left = build.code(node.left, { scope, place: place.part() });
  if (operator === 'in') return replacingCode(inCode(build, node, { at, left }), place);
  if (operator === '%') return replacingCode(percentCode(build, node, { at, left }), place);
  const right = build.code(node.right, { scope, place: place.part(operandTail(place.tail)) });
  const site = build.site(node, place);
  return numberCode(operator, { left, right, site }) ?? operationCode(operations[operator], { left, right, site });
}

interface Operands {
  readonly left: Code;
  readonly right: Code;
  readonly site: Site;
}

function operandTail(tail: At['place']['tail']): At['place']['tail'] {
  return tail === 'no' ? 'no' : 'operand';
}

function operationCode(operation: Operation, { left, right, site }: Operands): Code {
  return (frame, run) => {
    const a = left(frame, run);
    const b = right(frame, run);
    run.charge(1);
    try {
      return operation(a, b, run);
    } catch (error) {
      throw passing(error, site);
    }
  };
}

/** Comparisons of numbers without the way through the general operation. */
function numberCode(operator: BinaryOperator, operands: Operands): Code | undefined {
  const { left, right, site } = operands;
  const general = (a: Value, b: Value, run: Run): Value => {
    try {
      return operator === '<' ? compare(a, b, run) < 0 : equals(a, b, run);
    } catch (error) {
      throw passing(error, site);
    }
  };
  if (operator === '<') {
    return (frame, run) => {
      const a = left(frame, run);
      const b = right(frame, run);
      run.charge(1);
      return typeof a === 'number' && typeof b === 'number' ? a < b : general(a, b, run);
    };
  }
  if (operator === '==') {
    return (frame, run) => {
      const a = left(frame, run);
      const b = right(frame, run);
      run.charge(1);
      return typeof a === 'number' && typeof b === 'number' ? a === b : general(a, b, run);
    };
  }
  return undefined;
}

/** `left + right`, also of `left { members }`. */
export function plusOf(build: Build, node: BinaryNode | ApplyBraceNode, { scope, place }: At): Code {
  const left = build.code(node.left, { scope, place: place.part() });
  const right = build.code(node.right, { scope, place: place.part(operandTail(place.tail)) });
  const site = build.site(node, place);
  return (frame, run) => {
    const a = left(frame, run);
    const b = right(frame, run);
    run.charge(1);
    try {
      return typeof a === 'string' && typeof b === 'string' ? concat(a, b, run) : plus(a, b, run);
    } catch (error) {
      throw passing(error, site);
    }
  };
}

/** `left % right`: the reference makes a call of it, so that its operands are arguments and it has no surroundings. */
function percentCode(build: Build, node: BinaryNode, { at, left }: { at: At; left: Code }): Code {
  const { scope, place } = at;
  const right = build.code(node.right, { scope, place: place.part() });
  const site = build.bareSite(node);
  return (frame, run) => {
    try {
      run.enter();
      const a = left(frame, run);
      const b = right(frame, run);
      run.depth -= 1;
      run.charge(1);
      return mod(a, b, run);
    } catch (error) {
      throw passing(error, site);
    }
  };
}

/** `name in object`: the reference asks for the object first. */
function inCode(build: Build, node: BinaryNode, { at, left }: { at: At; left: Code }): Code {
  const { scope, place } = at;
  const right = build.code(node.right, { scope, place: place.part() });
  const site = build.bareSite(node);
  return (frame, run) => {
    try {
      const object = right(frame, run);
      const name = left(frame, run);
      run.charge(1);
      return hasFieldFrom(expectObject(object), 0, { name: expectString(name), run });
    } catch (error) {
      throw passing(error, site);
    }
  };
}

function shortcutCode(build: Build, node: BinaryNode, { scope, place }: At): Code {
  const left = build.code(node.left, { scope, place: place.part() });
  const right = build.code(node.right, { scope, place: place.part(operandTail(place.tail)) });
  const site = build.site(node, place);
  const decides = node.operator === '||';
  return (frame, run) => {
    const a = left(frame, run);
    run.charge(1);
    if (a === decides) return a;
    const value = typeof a === 'boolean' ? right(frame, run) : a;
    if (typeof value === 'boolean') return value;
    try {
      return expectBoolean(value);
    } catch (error) {
      throw passing(error, site);
    }
  };
}

const unaryOperations: Readonly<Record<UnaryNode['operator'], (value: Value) => Value>> = {
  '!': (value) => !expectBoolean(value),
  '~': bitNot,
  '+': expectNumber,
  '-': (value) => -expectNumber(value),
};

export function unaryCode(build: Build, node: UnaryNode, { scope, place }: At): Code {
  const constant = constantOf(node);
  if (constant !== undefined) return () => constant;
  const operand = build.code(node.operand, { scope, place: place.part(operandTail(place.tail)) });
  const operation = unaryOperations[node.operator];
  const site = build.site(node, place);
  return (frame, run) => {
    const value = operand(frame, run);
    run.charge(1);
    try {
      return operation(value);
    } catch (error) {
      throw passing(error, site);
    }
  };
}
