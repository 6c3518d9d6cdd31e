import { z } from 'zod';
import { type ErrorCode, errorTable } from '../errors/error-table.ts';

/**
 * Heads of the frames of a link, behind the token:
 *
 *     client   {id, port, question}   {cancel}
 *     server   {welcome}, or {id: 0, code, message} where the token is wrong; then {id, answer}   {id, code, message}   {port, event}
 *
 * Answers come in any order, events of a port in theirs.
 */
const id = z.int().min(0);

export const clientMessage = z.union([z.object({ cancel: id }), z.object({ id, port: z.string(), question: z.unknown() })]);

const errorCode = z.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(errorTable, code)).catch('internalError');

export const serverMessage = z.union([
  z.object({ welcome: z.literal(true) }),
  z.object({ id, code: errorCode, message: z.string() }),
  z.object({ id, answer: z.unknown() }),
  z.object({ port: z.string(), event: z.unknown() }),
]);
