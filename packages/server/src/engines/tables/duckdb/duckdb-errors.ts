import { duckdbErrorKind, firstLine } from '../../../kernel/duckdb/duckdb-errors.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../../kernel/errors/error-table.ts';

/** Sentences of the CSV reader that hold no data of the row, which its full messages quote. */
const csvReasons =
  /(CSV Error on Line: \d+|Expected Number of Columns: \d+ Found: \d+|Value with unterminated quote found|Invalid unicode \([a-z ]+\) detected|Maximum line size of \d+ bytes exceeded)/g;
const codesByKind: Readonly<Record<string, ErrorCode>> = {
  Binder: 'tableMismatch',
  Catalog: 'tableMismatch',
  Dependency: 'tableMismatch',
  Parser: 'tableMismatch',
  Constraint: 'importRejected',
  Conversion: 'importRejected',
  'Invalid Input': 'importRejected',
  'Out of Range': 'importRejected',
};
const damagedStream = /gzip|zstd|decompress|deflate|inflate|miniz/i;

export function isMissingFileError(error: unknown): boolean {
  return /^IO Error: No files found that match/.test(errorText(error));
}

/** The port's error for one of DuckDB, told by the kind that its message begins with. */
export function tablesError(error: unknown, what: string): unknown {
  if (error instanceof AppError) return error;
  const text = errorText(error);
  const kind = duckdbErrorKind(error);
  // A damaged stream is reported as an I/O error, but reading it again does not mend it.
  const code = kind === 'IO' && damagedStream.test(text) ? 'importRejected' : (codesByKind[kind] ?? 'tablesUnavailable');
  return new AppError(code, `${what}: ${reasonOf(text)}.`, { cause: error });
}

/** One line without the data of a row. */
export function reasonOf(text: string): string {
  if (text.includes('CSV Error')) return [...new Set(text.match(csvReasons))].join(', ');
  return firstLine(text);
}
