import type { DuckDBConnection } from '@duckdb/node-api';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { BurnOutcome, TableImport } from '../table-engine.ts';

/** Where each project's database keeps the ids of its imports. */
export const ledgerTable = { schema: 'main', name: '_sluice_imports' } as const;

/** No checksum of a slice list: these are hexadecimal. */
const burntChecksum = 'discarded';
const ledger = `${ledgerTable.schema}.${ledgerTable.name}`;

export async function createLedger(connection: DuckDBConnection): Promise<void> {
  await connection.run(`CREATE TABLE IF NOT EXISTS ${ledger} (
    import_id VARCHAR PRIMARY KEY, rows BIGINT NOT NULL, checksum VARCHAR NOT NULL,
    engine_rows BIGINT, imported_at TIMESTAMP NOT NULL)`);
}

/**
 * Enters the import in the transaction of the connection: undefined where it is new, else the rows that the engine counted then.
 * `importMismatch` where the id was entered with other values.
 */
export async function enterImport(connection: DuckDBConnection, file: TableImport): Promise<number | undefined> {
  const inserted = await connection.run(`INSERT INTO ${ledger} VALUES ($1, $2, $3, NULL, now()::TIMESTAMP) ON CONFLICT DO NOTHING`, [
    file.importId,
    BigInt(file.rows),
    file.checksum,
  ]);
  if (inserted.rowsChanged === 1) return undefined;
  const reader = await connection.runAndReadAll(`SELECT rows, checksum, engine_rows FROM ${ledger} WHERE import_id = $1`, [file.importId]);
  const [rows, checksum, engineRows] = reader.getRows()[0] ?? [];
  if (Number(rows) === file.rows && checksum === file.checksum) return Number(engineRows);
  throw new AppError(
    'importMismatch',
    `The import ${file.importId} was done with ${String(rows)} rows and checksum ${String(checksum)}, now it has ${file.rows} and ${file.checksum}.`,
  );
}

/** Enters the id with values of no import, where the ledger does not have it. */
export async function burnImport(
  connection: DuckDBConnection,
  file: Pick<TableImport, 'importId' | 'rows' | 'checksum'>,
): Promise<BurnOutcome> {
  await createLedger(connection);
  await connection.run(`INSERT INTO ${ledger} VALUES ($1, 0, $2, 0, now()::TIMESTAMP) ON CONFLICT DO NOTHING`, [
    file.importId,
    burntChecksum,
  ]);
  const reader = await connection.runAndReadAll(`SELECT rows, checksum, engine_rows FROM ${ledger} WHERE import_id = $1`, [file.importId]);
  const [rows, checksum, engineRows] = reader.getRows()[0] ?? [];
  if (checksum === burntChecksum) return { outcome: 'burnt' };
  return Number(rows) === file.rows && checksum === file.checksum
    ? { outcome: 'imported', rows: Number(engineRows) }
    : { outcome: 'mismatch' };
}

export async function completeImport(connection: DuckDBConnection, importId: string, engineRows: number): Promise<void> {
  await connection.run(`UPDATE ${ledger} SET engine_rows = $1 WHERE import_id = $2`, [BigInt(engineRows), importId]);
}

export async function deleteImport(connection: DuckDBConnection, importId: string): Promise<void> {
  await createLedger(connection);
  await connection.run(`DELETE FROM ${ledger} WHERE import_id = $1`, [importId]);
}
