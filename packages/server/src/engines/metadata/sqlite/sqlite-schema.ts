import type { DatabaseSync } from 'node:sqlite';

const schemaVersion = 1;

/**
 * Prepares the file: WAL with a sync at every commit, and an exclusive lock, because the worker keeps the revision in memory.
 * Throws where another process has the file open or a newer release wrote it.
 */
export function prepareDatabase(database: DatabaseSync): void {
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  if (version === schemaVersion) {
    // The lock is taken by the first write transaction, not by the pragma.
    database.exec('BEGIN IMMEDIATE; COMMIT');
    return;
  }
  if (version !== 0) throw new Error(`it has format ${String(version)}, this release reads format ${schemaVersion}`);
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO counters VALUES ('revision', 0), ('compacted', 0);
    CREATE TABLE entries (
      key TEXT NOT NULL UNIQUE, value TEXT NOT NULL,
      create_revision INTEGER NOT NULL, mod_revision INTEGER NOT NULL, lease_id TEXT
    ) STRICT;
    CREATE INDEX entries_by_lease ON entries (lease_id) WHERE lease_id IS NOT NULL;
    CREATE TABLE events (
      id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, key TEXT NOT NULL,
      value TEXT, create_revision INTEGER NOT NULL, lease_id TEXT
    ) STRICT;
    CREATE INDEX events_by_revision ON events (revision);
    CREATE TABLE leases (id INTEGER PRIMARY KEY AUTOINCREMENT, ttl_ms INTEGER NOT NULL) STRICT;
    PRAGMA user_version = ${schemaVersion};
    COMMIT;
  `);
}
