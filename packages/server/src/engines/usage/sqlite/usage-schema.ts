import type { DatabaseSync } from 'node:sqlite';

const schemaVersion = 1;

/**
 * Prepares the file: WAL with a sync at every commit, and an exclusive lock. Throws where another process has the file open or a
 * newer release wrote it. What expires has its hour or day in front, so that it goes as one stretch.
 */
export function prepareUsageDatabase(database: DatabaseSync): void {
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
    ) STRICT, WITHOUT ROWID;
    PRAGMA user_version = ${schemaVersion};
    COMMIT;
  `);
}
