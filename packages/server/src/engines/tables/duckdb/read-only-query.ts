import {
  DuckDBArrayValue,
  type DuckDBConnection,
  DuckDBListValue,
  DuckDBStructValue,
  type DuckDBValue,
  StatementType,
} from '@duckdb/node-api';
import { isFatalDuckdbError, isOutOfMemoryError } from '../../../kernel/duckdb/duckdb-errors.ts';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import type { QueryResult } from '../table-engine.ts';
import { reasonOf } from './duckdb-errors.ts';

export interface QueryLimits {
  readonly maxRows: number;
  /** Characters of all text values together. */
  readonly maxCharacters: number;
}

/** DESCRIBE, SHOW, SUMMARIZE, VALUES, FROM and WITH are SELECT to the engine. */
const readingTypes: readonly StatementType[] = [StatementType.SELECT, StatementType.EXPLAIN];

/** Runs one statement of a person. Everything that is wrong with it is `badRequest`. */
export async function readOnlyQuery(connection: DuckDBConnection, sql: string, limits: QueryLimits): Promise<QueryResult> {
  try {
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) throw new AppError('badRequest', `The query must be one statement, not ${statements.count}.`);
    // EXPLAIN ANALYZE executes what it explains; the transaction refuses it then.
    await connection.run('BEGIN TRANSACTION READ ONLY');
    const prepared = await statements.prepare(0);
    if (!readingTypes.includes(prepared.statementType)) {
      throw new AppError('badRequest', 'The query must only read: SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN.');
    }
    const result = await prepared.stream();
    const rows: unknown[][] = [];
    let characters = 0;
    for await (const chunk of result.yieldRows()) {
      for (const row of chunk) {
        if (rows.length === limits.maxRows) throw tooLarge(`${limits.maxRows} rows`);
        for (const value of row) characters += typeof value === 'string' ? value.length : 0;
        if (characters > limits.maxCharacters) throw tooLarge(`${limits.maxCharacters} characters`);
        rows.push(row.map(jsonValue));
      }
    }
    return { columns: result.columnNames(), rows };
  } catch (error) {
    if (error instanceof AppError || isFatalDuckdbError(error) || isOutOfMemoryError(error)) throw error;
    if (/^(IO|INTERRUPT) Error/.test(errorText(error))) throw error;
    throw new AppError('badRequest', `The query fails: ${reasonOf(errorText(error))}.`, { cause: error });
  }
}

function tooLarge(limit: string): AppError {
  return new AppError('badRequest', `The query returns more than ${limit}; add a LIMIT or select less.`);
}

/** As JSON can hold it: whole numbers beyond 2^53, decimals, dates, times, intervals and blobs become text. */
function jsonValue(value: DuckDBValue): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(jsonValue);
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([key, one]) => [key, jsonValue(one)]));
  return String(value);
}
