import type { DatabaseSync } from 'node:sqlite';
import { prepareOwnDatabase } from '../../../kernel/sqlite/own-database.ts';

const schema = `
    CREATE TABLE users (user TEXT PRIMARY KEY, registered_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE ranges (
      hour INTEGER, user TEXT, channel TEXT, session TEXT, flush INTEGER,
      epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
      packets INTEGER NOT NULL, bytes INTEGER NOT NULL, media_ms INTEGER NOT NULL, dropped INTEGER NOT NULL,
      PRIMARY KEY (hour, user, channel, session, flush)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE totals (
      user TEXT, hour INTEGER, channel TEXT, session TEXT, flush INTEGER NOT NULL,
      packets INTEGER NOT NULL, bytes INTEGER NOT NULL, media_ms INTEGER NOT NULL, dropped INTEGER NOT NULL,
      start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
      PRIMARY KEY (user, hour, channel, session)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE packet_log (
      day INTEGER, user TEXT, at INTEGER, channel TEXT, session TEXT, epoch INTEGER, first INTEGER,
      last INTEGER NOT NULL, packets INTEGER NOT NULL, bytes INTEGER NOT NULL,
      PRIMARY KEY (day, user, at, channel, session, epoch, first)
    ) STRICT, WITHOUT ROWID
`;

/** Prepares the file, see `prepareOwnDatabase`. What expires has its hour or day in front, so that it goes as one stretch. */
export function prepareUsageDatabase(database: DatabaseSync): void {
  prepareOwnDatabase(database, { version: 1, schema });
}
