import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteName, quoteText } from '../../../kernel/codec/sql-text.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { TableName } from '../table-engine.ts';
import { ledgerTable } from './import-ledger.ts';
import { quoteSchema, quoteTable } from './quote-table.ts';

interface ExistingColumn {
  readonly name: string;
  readonly type: string;
}

/** Creates schema and table where missing and adds missing columns, in the transaction of the connection. `tableMismatch` where names clash. */
export async function ensureColumns(connection: DuckDBConnection, table: TableName, columns: readonly string[]): Promise<void> {
  const id = `${table.schema}.${table.name}`;
  assertDistinct(id, columns);
  if (table.schema.toLowerCase() === ledgerTable.schema && table.name.toLowerCase() === ledgerTable.name) {
    throw mismatch(`The table ${id} is the product's own; choose another name.`);
  }
  await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteSchema(table)}`);
  const definitions = columns.map((column) => `${quoteName(column)} VARCHAR`);
  await connection.run(`CREATE TABLE IF NOT EXISTS ${quoteTable(table)} (${definitions.join(', ')})`);
  await assertSpelling(connection, table);
  const existing = new Map((await readColumns(connection, table)).map((column) => [column.name.toLowerCase(), column]));
  for (const column of columns) {
    const found = existing.get(column.toLowerCase());
    if (found === undefined) await connection.run(`ALTER TABLE ${quoteTable(table)} ADD COLUMN ${quoteName(column)} VARCHAR`);
    else if (found.name !== column) {
      throw mismatch(`The table ${id} has a column "${found.name}", which is equal to "${column}" but for case; rename one of them.`);
    } else if (found.type !== 'VARCHAR') {
      throw mismatch(`The column "${column}" of the table ${id} has the type ${found.type} instead of VARCHAR; rows are text.`);
    }
  }
}

function assertDistinct(id: string, columns: readonly string[]): void {
  if (columns.length === 0) throw mismatch(`The table ${id} would have no columns.`);
  const seen = new Map<string, string>();
  for (const column of columns) {
    const other = seen.get(column.toLowerCase());
    if (other !== undefined)
      throw mismatch(`The columns "${other}" and "${column}" of the table ${id} are equal but for case; rename one of them.`);
    seen.set(column.toLowerCase(), column);
  }
}

/** Names of schemas and tables are equal but for case too: two sinks must not share a table by accident. */
async function assertSpelling(connection: DuckDBConnection, table: TableName): Promise<void> {
  const reader = await connection.runAndReadAll(`SELECT schema_name, table_name FROM duckdb_tables() WHERE ${isTable(table)}`);
  const [schema, name] = (reader.getRows()[0] ?? []).map(String);
  if (schema === table.schema && name === table.name) return;
  if (schema === undefined) throw mismatch(`${table.schema}.${table.name} is no table but a view; drop it or choose another name.`);
  throw mismatch(`There is a table ${schema}.${name}, which is equal to ${table.schema}.${table.name} but for case; choose another name.`);
}

async function readColumns(connection: DuckDBConnection, table: TableName): Promise<ExistingColumn[]> {
  const reader = await connection.runAndReadAll(`SELECT column_name, data_type FROM duckdb_columns() WHERE ${isTable(table)}`);
  return reader.getRows().map(([name, type]) => ({ name: String(name), type: String(type) }));
}

function isTable({ project, schema, name }: TableName): string {
  return `database_name = ${quoteText(project)} AND lower(schema_name) = lower(${quoteText(schema)}) AND lower(table_name) = lower(${quoteText(name)})`;
}

function mismatch(message: string): AppError {
  return new AppError('tableMismatch', message);
}
