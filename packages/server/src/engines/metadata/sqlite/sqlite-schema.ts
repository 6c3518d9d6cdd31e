import type { DatabaseSync } from 'node:sqlite';
import { prepareOwnDatabase } from '../../../kernel/sqlite/own-database.ts';

const schema = `
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
    CREATE TABLE leases (id INTEGER PRIMARY KEY AUTOINCREMENT, ttl_ms INTEGER NOT NULL) STRICT
`;

/** Prepares the file, see `prepareOwnDatabase`: it is locked, because the worker keeps the revision in memory. */
export function prepareDatabase(database: DatabaseSync): void {
  prepareOwnDatabase(database, { version: 1, schema });
}
