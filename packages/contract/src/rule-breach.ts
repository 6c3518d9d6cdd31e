import { z } from 'zod';

/**
 * What a field check of this contract found, carried in `params` of a custom zod issue.
 * The API turns it into the sentence of its error answer.
 */
export const ruleBreachSchema = z.discriminatedUnion('rule', [
  z.object({ rule: z.literal('length'), bound: z.enum(['greater', 'lesser']), limit: z.int(), length: z.int() }),
  z.object({ rule: z.literal('range'), bound: z.enum(['greater', 'lesser']), limit: z.int(), value: z.int() }),
  z.object({ rule: z.literal('type'), expected: z.enum(['integer', 'boolean']), text: z.string() }),
]);
export type RuleBreach = z.infer<typeof ruleBreachSchema>;
