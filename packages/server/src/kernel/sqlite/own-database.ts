import type { DatabaseSync } from 'node:sqlite';

interface DatabaseFormat {
  readonly version: number;
  /** Statements that make the tables in an empty file. */
  readonly schema: string;
}

/**
 * Prepares a file that belongs to one process: WAL with a sync at every commit, an exclusive lock, and the tables.
 * Throws where another process has the file open, or a release with another format wrote it.
 */
export function prepareOwnDatabase(database: DatabaseSync, { version, schema }: DatabaseFormat): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const found = database.prepare('PRAGMA user_version').get()?.['user_version'];
  // The lock is taken by the first write transaction, not by the pragma.
  if (found === version) database.exec('BEGIN IMMEDIATE; COMMIT');
  else if (found !== 0) throw new Error(`it has format ${String(found)}, this release reads format ${version}`);
  else database.exec(`BEGIN IMMEDIATE; ${schema}; PRAGMA user_version = ${version}; COMMIT`);
}
