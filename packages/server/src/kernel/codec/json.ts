import type { z } from 'zod';
import { AppError, errorText } from '../errors/app-error.ts';
import type { ErrorCode } from '../errors/error-table.ts';

interface DecodeOptions<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** What the text is, for the message: "Key file", "Owner record". */
  readonly what: string;
  /** Code of the error where the text is no JSON or does not match. */
  readonly code: ErrorCode;
}

/** JSON text from outside as a typed value. */
export function decodeJson<Schema extends z.ZodType>(text: string, { schema, what, code }: DecodeOptions<Schema>): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError(code, `${what} is not valid JSON: ${errorText(error)}.`, { cause: error });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message));
  throw new AppError(code, `${what} does not have the expected form: ${problems.join('; ')}.`, { cause: result.error });
}

/** JSON text that the product wrote itself; anything unexpected in it is `invariantBroken`. */
export function parseJson<Schema extends z.ZodType>(text: string, schema: Schema, what: string): z.output<Schema> {
  return decodeJson(text, { schema, what, code: 'invariantBroken' });
}
