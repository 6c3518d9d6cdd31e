import { duckdbErrorKind, firstLine } from '../../../kernel/duckdb/duckdb-errors.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';

/** Somebody has changed the tables. */
const mismatches: ReadonlySet<string> = new Set(['Binder', 'Catalog', 'Constraint', 'Conversion', 'Dependency', 'Invalid Input', 'Parser']);

/** The port's error for one of DuckDB, told by the kind that its message begins with. */
export function duckdbSeriesError(error: unknown, what: string): unknown {
  if (error instanceof AppError) return error;
  const code = mismatches.has(duckdbErrorKind(error)) ? 'seriesMismatch' : 'seriesUnavailable';
  return new AppError(code, `${what}: ${firstLine(errorText(error))}.`, { cause: error });
}
