import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { notParsed, type Parsed, parsed } from '../../../kernel/codec/parsed.ts';
import { errorText } from '../../../kernel/errors/app-error.ts';

interface PredicateInput {
  readonly amount: number;
  /** Unix milliseconds, a whole number. */
  readonly time: number;
  /** Empty where the event has none. */
  readonly id: string;
  readonly watermark: number;
}

/** Throws where it has no value for the input. */
export type Predicate = (input: PredicateInput) => boolean;

const environment = new Environment({
  limits: { maxAstNodes: 100, maxDepth: 16, maxListElements: 50, maxMapEntries: 0, maxCallArguments: 3 },
})
  .registerVariable('amount', 'double')
  .registerVariable('time', 'int')
  .registerVariable('id', 'string')
  .registerVariable('watermark', 'double');

/**
 * All that may be called. Not among them: `matches`, whose regular expressions can take for ever, and the loops over lists, which
 * multiply what the limits of the text bound.
 */
const functions = new Set([
  ...['startsWith', 'endsWith', 'contains', 'size', 'double', 'int', 'string', 'timestamp', 'duration'],
  ...['getFullYear', 'getMonth', 'getDayOfMonth', 'getDayOfWeek', 'getHours', 'getMinutes', 'getSeconds'],
]);

/** A CEL expression over the input. It is checked as a whole: one that compiles gives true or false, or throws, and ends soon. */
export function compilePredicate(text: string): Parsed<Predicate> {
  try {
    const program = environment.parse(text);
    const refused = calledFunctions(program.ast).find((name) => !functions.has(name));
    if (refused !== undefined) return notParsed(`the function ${refused} is not known here; there are ${[...functions].join(', ')}`);
    const { valid, type, error } = program.check();
    if (!valid) return notParsed(error ? errorText(error) : 'the predicate is not valid');
    if (type !== 'bool') return notParsed(`the predicate gives ${type ?? 'nothing'}, not true or false`);
    const comparison = numberComparison(program.ast);
    // The integers of CEL are bigints.
    return parsed(comparison ?? ((input) => program({ ...input, time: BigInt(input.time) }) === true));
  } catch (error) {
    return notParsed(errorText(error));
  }
}

/**
 * The comparison of two doubles, as the routes of the preset are: the evaluator of CEL needs five times as long for one.
 * Undefined for any other predicate.
 */
function numberComparison({ op, args }: ASTNode): Predicate | undefined {
  if (op !== '>' && op !== '>=' && op !== '<' && op !== '<=') return undefined;
  const left = numberOperand(args[0]);
  const right = numberOperand(args[1]);
  if (!left || !right) return undefined;
  switch (op) {
    case '>':
      return (input) => left(input) > right(input);
    case '>=':
      return (input) => left(input) >= right(input);
    case '<':
      return (input) => left(input) < right(input);
    case '<=':
      return (input) => left(input) <= right(input);
  }
}

function numberOperand({ op, args }: ASTNode): ((input: PredicateInput) => number) | undefined {
  if (op === 'value' && typeof args === 'number') return () => args;
  if (op !== 'id') return undefined;
  if (args === 'amount') return ({ amount }) => amount;
  if (args === 'watermark') return ({ watermark }) => watermark;
  return undefined;
}

function calledFunctions(node: ASTNode): string[] {
  switch (node.op) {
    case 'call':
      return [node.args[0], ...node.args[1].flatMap(calledFunctions)];
    case 'rcall':
      return [node.args[0], ...calledFunctions(node.args[1]), ...node.args[2].flatMap(calledFunctions)];
    default:
      return childrenOf(node.args).flatMap(calledFunctions);
  }
}

/** Nodes among the arguments of an operator, which are a value, a name, a node, or lists of these. */
function childrenOf(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(childrenOf);
  return isNode(args) ? [args] : [];
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
