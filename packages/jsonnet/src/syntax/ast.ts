import type { Span } from './source.ts';

/** What the parser makes: the program as it is written, with parentheses, since they count in positions. */
export type Node =
  | NullNode
  | BooleanNode
  | NumberNode
  | StringNode
  | VariableNode
  | SelfNode
  | DollarNode
  | SuperIndexNode
  | InSuperNode
  | ArrayNode
  | ArrayCompNode
  | ObjectNode
  | ObjectCompNode
  | LocalNode
  | FunctionNode
  | ApplyNode
  | ApplyBraceNode
  | IndexNode
  | SliceNode
  | BinaryNode
  | UnaryNode
  | ConditionalNode
  | AssertNode
  | ErrorNode
  | ImportNode
  | ParensNode;

export interface NullNode extends Span {
  readonly kind: 'null';
}
export interface BooleanNode extends Span {
  readonly kind: 'boolean';
  readonly value: boolean;
}
export interface NumberNode extends Span {
  readonly kind: 'number';
  /** Infinite where the text is too large for a double. */
  readonly value: number;
}
export interface StringNode extends Span {
  readonly kind: 'string';
  readonly value: string;
  readonly block: boolean;
}
export interface VariableNode extends Span {
  readonly kind: 'variable';
  readonly name: string;
}
export interface SelfNode extends Span {
  readonly kind: 'self';
}
export interface DollarNode extends Span {
  readonly kind: 'dollar';
}
export interface SuperIndexNode extends Span {
  readonly kind: 'super-index';
  readonly index: Node;
  /** Whether it was written `super.name`. */
  readonly dotted: boolean;
}
export interface InSuperNode extends Span {
  readonly kind: 'in-super';
  readonly index: Node;
}
export interface ArrayNode extends Span {
  readonly kind: 'array';
  readonly elements: readonly Node[];
}
/** `for name in items if ... if ...` */
export interface ForSpec {
  readonly name: string;
  readonly items: Node;
  readonly conditions: readonly Node[];
}
export interface ArrayCompNode extends Span {
  readonly kind: 'array-comp';
  readonly body: Node;
  /** Outermost first. */
  readonly specs: readonly ForSpec[];
}
export type Visibility = 'inherit' | 'hidden' | 'visible';
export interface FieldNode extends Span {
  readonly name: Node;
  readonly visibility: Visibility;
  /** `+:` */
  readonly plus: boolean;
  readonly body: Node;
}
export interface ObjectAssertNode extends Span {
  readonly condition: Node;
  readonly message: Node | undefined;
}
export interface ObjectNode extends Span {
  readonly kind: 'object';
  readonly fields: readonly FieldNode[];
  readonly locals: readonly Bind[];
  readonly asserts: readonly ObjectAssertNode[];
}
export interface ObjectCompNode extends Span {
  readonly kind: 'object-comp';
  readonly field: FieldNode;
  readonly locals: readonly Bind[];
  readonly specs: readonly ForSpec[];
}
export interface Bind {
  readonly name: string;
  readonly body: Node;
}
export interface LocalNode extends Span {
  readonly kind: 'local';
  readonly binds: readonly Bind[];
  readonly body: Node;
}
export interface Parameter {
  readonly name: string;
  readonly default: Node | undefined;
}
export interface FunctionNode extends Span {
  readonly kind: 'function';
  readonly parameters: readonly Parameter[];
  readonly body: Node;
}
export interface NamedArgument {
  readonly name: string;
  readonly value: Node;
}
export interface ApplyNode extends Span {
  readonly kind: 'apply';
  readonly target: Node;
  readonly positional: readonly Node[];
  readonly named: readonly NamedArgument[];
  readonly tailstrict: boolean;
}
export interface ApplyBraceNode extends Span {
  readonly kind: 'apply-brace';
  readonly left: Node;
  readonly right: Node;
}
export interface IndexNode extends Span {
  readonly kind: 'index';
  readonly target: Node;
  readonly index: Node;
  /** Whether it was written `target.name`. */
  readonly dotted: boolean;
}
export interface SliceNode extends Span {
  readonly kind: 'slice';
  readonly target: Node;
  readonly from: Node | undefined;
  readonly to: Node | undefined;
  readonly step: Node | undefined;
}
export interface BinaryNode extends Span {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Node;
  readonly right: Node;
}
export interface UnaryNode extends Span {
  readonly kind: 'unary';
  readonly operator: UnaryOperator;
  readonly operand: Node;
}
export interface ConditionalNode extends Span {
  readonly kind: 'conditional';
  readonly condition: Node;
  readonly yes: Node;
  readonly no: Node | undefined;
}
export interface AssertNode extends Span {
  readonly kind: 'assert';
  readonly condition: Node;
  readonly message: Node | undefined;
  readonly rest: Node;
}
export interface ErrorNode extends Span {
  readonly kind: 'error';
  readonly message: Node;
}
export type ImportKind = 'import' | 'importstr' | 'importbin';
export interface ImportNode extends Span {
  readonly kind: 'import';
  readonly of: ImportKind;
  readonly path: string;
}
export interface ParensNode extends Span {
  readonly kind: 'parens';
  readonly inner: Node;
}

/** Binding strength: a smaller number binds tighter. */
export const binaryOperators = {
  '*': 5,
  '/': 5,
  '%': 5,
  '+': 6,
  '-': 6,
  '<<': 7,
  '>>': 7,
  '<': 8,
  '>': 8,
  '<=': 8,
  '>=': 8,
  in: 8,
  '==': 9,
  '!=': 9,
  '&': 10,
  '^': 11,
  '|': 12,
  '&&': 13,
  '||': 14,
} as const;
export type BinaryOperator = keyof typeof binaryOperators;
export type UnaryOperator = '!' | '~' | '+' | '-';

export function isBinaryOperator(text: string): text is BinaryOperator {
  return Object.hasOwn(binaryOperators, text);
}

export function isUnaryOperator(text: string): text is UnaryOperator {
  return text === '!' || text === '~' || text === '+' || text === '-';
}
