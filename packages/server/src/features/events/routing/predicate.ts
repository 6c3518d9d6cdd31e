import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { notParsed, type Parsed, parsed } from '../../../kernel/codec/parsed.ts';
import { errorText } from '../../../kernel/errors/app-error.ts';

interface PredicateInput extends Readonly<Record<string, unknown>> {
  readonly amount: number;
  /** Unix milliseconds; the integers of CEL are these. */
  readonly time: bigint;
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
    return parsed((input) => program(input) === true);
  } catch (error) {
    return notParsed(errorText(error));
  }
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
