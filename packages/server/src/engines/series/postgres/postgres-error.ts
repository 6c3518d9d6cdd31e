import { DatabaseError } from 'pg';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';

/**
 * Classes of SQLSTATE that do not pass by themselves: unsupported feature, data, constraint, wrong login, unknown database or schema,
 * syntax, access and definition.
 */
const mismatches: ReadonlySet<string> = new Set(['0A', '22', '23', '28', '3D', '3F', '42']);
/** Of these classes, what may concern one row alone: a value, or a constraint or trigger that somebody has put on the table. */
const ofOneRow: ReadonlySet<string> = new Set(['22', '23', 'P0']);
const notNullViolation = '23502';

/** The port's error for one of the driver. */
export function postgresError(error: unknown, what: string): AppError {
  if (error instanceof AppError) return error;
  const code = error instanceof DatabaseError && mismatches.has(classOf(error)) ? 'seriesMismatch' : 'seriesUnavailable';
  return new AppError(code, `${what}: ${reasonOf(error)}.`, { cause: error });
}

/** The sentence of the server where it refuses a row; undefined where something else is wrong. A column that we do not fill fails them all. */
export function rowRefusal(error: unknown): string | undefined {
  if (!(error instanceof DatabaseError) || error.code === notNullViolation || !ofOneRow.has(classOf(error))) return undefined;
  return reasonOf(error);
}

/** Where a name has several addresses, the error of the connection has no message of its own. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return (errorText(first) || 'the connection failed').replace(/\.+$/, '');
}

function classOf({ code = '' }: DatabaseError): string {
  return code.slice(0, 2);
}
