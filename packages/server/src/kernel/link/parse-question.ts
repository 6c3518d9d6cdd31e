import type { z } from 'zod';
import { AppError } from '../errors/app-error.ts';

/** `badRequest` where it is no question of the port. */
export function parseQuestion<Schema extends z.ZodType>(schema: Schema, question: unknown): z.output<Schema> {
  const parsed = schema.safeParse(question);
  if (!parsed.success) throw new AppError('badRequest', `An engine was asked what it does not know: ${parsed.error.message}.`);
  return parsed.data;
}
