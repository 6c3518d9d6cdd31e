import { z } from 'zod';
import { maxPageRows, maxTimeMs } from '../../../engines/usage/usage-store.ts';
import { isUserId } from '../user-id.ts';

const defaultLimit = 1000;

/** Unix milliseconds, or a time of ISO 8601 with its offset. */
const moment = z.string().transform((text, context): number => {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : momentOf(text);
  if (ms !== undefined && ms >= 0 && ms <= maxTimeMs) return ms;
  context.issues.push({ code: 'custom', message: 'must be Unix milliseconds or a time as 2026-06-24T10:00:00Z', input: text });
  return z.NEVER;
});
const limit = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a number')
  .transform(Number)
  .refine((rows) => rows >= 1 && rows <= maxPageRows, `must be from 1 to ${maxPageRows}`)
  .default(defaultLimit);
const id = z.string().refine(isUserId, 'must be 1 to 128 characters without blanks');
const cursor = z
  .string()
  .max(2000)
  .transform((text, context) => {
    const parsed = cursorSchema.safeParse(jsonOf(Buffer.from(text, 'base64url').toString()));
    if (parsed.success) return parsed.data;
    context.issues.push({ code: 'custom', message: 'must be the next of the answer before', input: text });
    return z.NEVER;
  });
const text200 = z.string().min(1).max(200);
const cursorSchema = z.tuple([z.int().min(0).max(maxTimeMs), text200, text200]);

export const usageParameters = z.strictObject({
  from: moment.optional(),
  to: moment.optional(),
  step: z.literal('hour').optional(),
  detail: z.enum(['0', '1']).default('0'),
  after: cursor.optional(),
  limit,
});
export const packetsParameters = z.strictObject({ from: moment.optional(), to: moment.optional(), limit });
export const sessionsParameters = z.strictObject({ user: id.optional(), channel: id.optional(), after: text200.optional(), limit });
export const noParameters = z.strictObject({});

export type UsageParameters = z.output<typeof usageParameters>;

export type ParsedQuery<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** The parameters of a query; a message with all problems where they are not as they must be. */
export function parseQuery<Schema extends z.ZodType>(schema: Schema, search: URLSearchParams): ParsedQuery<z.output<Schema>> {
  const names = [...search.keys()];
  if (new Set(names).size < names.length) return { ok: false, message: 'A parameter is given more than once.' };
  const parsed = schema.safeParse(Object.fromEntries(search));
  if (parsed.success) return { ok: true, value: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')} ${message}` : message));
  return { ok: false, message: `${problems.join('; ')}.` };
}

export const cursorText = (place: { readonly hourMs: number; readonly channel: string; readonly sessionId: string }): string =>
  Buffer.from(JSON.stringify([place.hourMs, place.channel, place.sessionId])).toString('base64url');

function momentOf(text: string): number | undefined {
  try {
    // A plus that is not escaped arrives as a space.
    return Temporal.Instant.from(text.replace(/ (\d\d:?\d\d)$/, '+$1')).epochMilliseconds;
  } catch {
    return undefined;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
