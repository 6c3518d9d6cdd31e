import { z } from 'zod';
import type { RuleBreach } from './rule-breach.ts';

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

function lengthBreach(length: number, { min = 0, max = Number.POSITIVE_INFINITY }: Bounds): RuleBreach | undefined {
  if (length < min) return { rule: 'length', bound: 'greater', limit: min, length };
  if (length > max) return { rule: 'length', bound: 'lesser', limit: max, length };
  return;
}

/** A text whose length is counted in code points, as clients count characters (zod's own checks count UTF-16 units). */
export const text = (bounds: Bounds) =>
  z
    .string()
    .superRefine((value, context) => {
      const breach = lengthBreach([...value].length, bounds);
      if (breach !== undefined) context.addIssue({ code: 'custom', params: breach, input: value });
    })
    .meta({ ...(bounds.min !== undefined && { minLength: bounds.min }), ...(bounds.max !== undefined && { maxLength: bounds.max }) });

export const list = <Item extends z.ZodType>(item: Item, bounds: Bounds) =>
  z
    .array(item)
    .superRefine((value, context) => {
      const breach = lengthBreach(value.length, bounds);
      if (breach !== undefined) context.addIssue({ code: 'custom', params: breach, input: value });
    })
    .meta({ ...(bounds.min !== undefined && { minItems: bounds.min }), ...(bounds.max !== undefined && { maxItems: bounds.max }) });

/**
 * An integer written in a path or query. Text that is no integer counts as 0 from there on, so that it may break the range as well:
 * clients get both sentences.
 */
export const integerText = ({ min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Bounds) =>
  z
    .string()
    .transform((given, context) => {
      const parsed = /^[+-]?\d+$/.test(given) ? Number(given) : Number.NaN;
      const value = Number.isSafeInteger(parsed) ? parsed : 0;
      const breaches: RuleBreach[] = [];
      if (!Number.isSafeInteger(parsed)) breaches.push({ rule: 'type', expected: 'integer', text: given });
      if (value < min) breaches.push({ rule: 'range', bound: 'greater', limit: min, value });
      if (value > max) breaches.push({ rule: 'range', bound: 'lesser', limit: max, value });
      for (const breach of breaches) context.addIssue({ code: 'custom', params: breach, input: given });
      return value;
    })
    .meta({
      type: 'integer',
      ...(min !== Number.MIN_SAFE_INTEGER && { minimum: min }),
      ...(max !== Number.MAX_SAFE_INTEGER && { maximum: max }),
    });

const truths = ['1', 't', 'T', 'TRUE', 'true', 'True'];
const falsehoods = ['0', 'f', 'F', 'FALSE', 'false', 'False'];

/** A truth value written in a query. */
export const booleanText = () =>
  z
    .string()
    .transform((given, context) => {
      const breach: RuleBreach = { rule: 'type', expected: 'boolean', text: given };
      if (!truths.includes(given) && !falsehoods.includes(given)) context.addIssue({ code: 'custom', params: breach, input: given });
      return truths.includes(given);
    })
    .meta({ type: 'boolean' });

/** UTC, `YYYY-MM-DDTHH:MM:SS.sssZ`. */
export const timestamp = z.string().meta({ format: 'date-time' });
