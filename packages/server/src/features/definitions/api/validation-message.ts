import { ruleBreachSchema } from '@sluice/contract/rule-breach';
import type { z } from 'zod';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../../kernel/errors/error-table.ts';
import { goQuote } from './go-quote.ts';

export interface Violation {
  readonly code: ErrorCode;
  readonly text: string;
}

/** Where the validated value came from: it decides how a message names the place. */
export type Origin = 'body' | 'parameter';

/** All violations of one request are one error: the code of the first, the texts joined. */
export function violationError(violations: readonly Violation[]): AppError | undefined {
  const [first] = violations;
  return first && new AppError(first.code, violations.map(({ text }) => text).join('; '));
}

/**
 * The violations behind zod issues, in the order of the API: of an object first the missing fields, then what is wrong in its fields.
 * The issues must have been made with `reportInput`.
 */
export function violationsOf(issues: readonly z.core.$ZodIssue[], origin: Origin): Violation[] {
  return ordered(issues, 0).map((issue) => violationOf(issue, origin));
}

function ordered(issues: readonly z.core.$ZodIssue[], depth: number): z.core.$ZodIssue[] {
  const isMissingHere = (issue: z.core.$ZodIssue) => isMissing(issue) && issue.path.length === depth + 1;
  const rest = Map.groupBy(
    issues.filter((issue) => !isMissingHere(issue)),
    (issue) => issue.path[depth],
  );
  const nested = [...rest].flatMap(([segment, group]) => (segment === undefined ? group : ordered(group, depth + 1)));
  return [...issues.filter(isMissingHere), ...nested];
}

function isMissing(issue: z.core.$ZodIssue): boolean {
  return (issue.code === 'invalid_type' || issue.code === 'invalid_value') && issue.input === undefined;
}

function violationOf(issue: z.core.$ZodIssue, origin: Origin): Violation {
  const field = String(issue.path.at(-1) ?? '');
  if (isMissing(issue))
    return { code: 'missingField', text: `${goQuote(field)} is missing from ${placeOf(issue.path.slice(0, -1), origin)}` };
  if (issue.code === 'custom') {
    const breach = ruleBreachSchema.safeParse(issue.params);
    if (breach.success) return breachViolation(breach.data, { place: valuePlaceOf(issue.path, origin), field, input: issue.input });
  }
  if (issue.code === 'invalid_value' && typeof issue.input === 'string') {
    const allowed = issue.values.map((value) => goQuote(String(value))).join(', ');
    const text = `value of ${valuePlaceOf(issue.path, origin)} must be one of ${allowed} but got value ${goQuote(issue.input)}`;
    return { code: 'invalidEnumValue', text };
  }
  return { code: 'decodePayload', text: wrongTypeText(issue) };
}

interface Place {
  readonly place: string;
  readonly field: string;
  readonly input: unknown;
}

function breachViolation(breach: z.infer<typeof ruleBreachSchema>, { place, field, input }: Place): Violation {
  switch (breach.rule) {
    case 'length': {
      const value = typeof input === 'string' ? goQuote(input) : '[...]';
      const text = `length of ${place} must be ${breach.bound} or equal than ${breach.limit} but got value ${value} (len=${breach.length})`;
      return { code: 'invalidLength', text };
    }
    case 'range':
      return { code: 'invalidRange', text: `${place} must be ${breach.bound} or equal than ${breach.limit} but got value ${breach.value}` };
    case 'type': {
      const text = `invalid value ${goQuote(breach.text)} for ${goQuote(field)}, must be a ${breach.expected}`;
      return { code: 'invalidFieldType', text };
    }
  }
}

function wrongTypeText(issue: z.core.$ZodIssue): string {
  const expected = issue.code === 'invalid_type' ? issue.expected : 'string';
  const found = Array.isArray(issue.input) ? 'array' : issue.input === null ? 'null' : typeof issue.input;
  return `the field "${placeOf(issue.path, 'body')}" must be of type ${expected}, found ${found}`;
}

/** `body.table.mapping.columns[0].type`; parameters by their bare name. */
function placeOf(path: readonly PropertyKey[], origin: Origin): string {
  if (origin === 'parameter') return path.map(String).join('.');
  return path.reduce<string>(
    (text, segment) => (typeof segment === 'number' ? `${text}[${segment}]` : `${text}.${String(segment)}`),
    'body',
  );
}

/** As `placeOf`, but an item of a plain list is named twice, `body.signals[0].signals[*]`: so clients know it. */
function valuePlaceOf(path: readonly PropertyKey[], origin: Origin): string {
  const list = path.at(-2);
  const place = placeOf(path, origin);
  return typeof path.at(-1) === 'number' && typeof list === 'string' ? `${place}.${list}[*]` : place;
}
