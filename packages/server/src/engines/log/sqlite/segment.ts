import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { OffsetRange } from '../log-engine.ts';
import type { EncodedRecords } from '../record-codec.ts';
import { bytesOf, integerOf } from './sqlite-rows.ts';

const segmentVersion = 1;
/** Pages of the write-ahead log that are carried over into the file together: 16 MB. */
const checkpointPages = 4000;
/** SQLite's codes of a damaged file. */
const damageCodes = [11, 26];

export interface SegmentRow {
  readonly partition: number;
  readonly baseOffset: number;
  readonly count: number;
  readonly timestampMs: number;
  readonly bytes: Uint8Array;
}

interface RowsQuery {
  readonly partition: number;
  readonly offset: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
}

interface SegmentRows {
  readonly rows: readonly EncodedRecords[];
  readonly unreadable: readonly OffsetRange[];
  readonly bytes: number;
  readonly records: number;
  /** Behind the last row, where a limit was reached; undefined where the segment has no further row. */
  readonly stoppedAt: number | undefined;
}

/**
 * One SQLite file of a topic: a row for each run of records that were appended together to one partition.
 *
 * The active segment, the last one, is written: WAL, and a sync at every commit. A sealed one is a single file that is never appended to.
 * `begins` are the topic's ends when the segment was made, so the newest segment alone says where the topic ends.
 */
export class Segment implements Disposable {
  readonly path: string;
  readonly createdMs: number;
  /** Per partition, the first offset that may be in here. */
  readonly begins: readonly number[];
  readonly #database: DatabaseSync;
  readonly #statements: Record<'append' | 'read' | 'last' | 'newest' | 'pages', StatementSync>;

  private constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
    this.#statements = {
      append: database.prepare('INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)'),
      read: database.prepare('SELECT * FROM runs WHERE partition = ? AND last_offset >= ? ORDER BY last_offset'),
      last: database.prepare('SELECT max(last_offset) AS last_offset FROM runs WHERE partition = ?'),
      newest: database.prepare('SELECT timestamp_ms FROM runs ORDER BY id DESC LIMIT 1'),
      pages: database.prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size'),
    };
    const begins = database.prepare('SELECT next_offset FROM begins ORDER BY partition').all();
    this.begins = begins.map((row) => integerOf(row, 'next_offset'));
    this.createdMs = integerOf(database.prepare('SELECT created_ms FROM segment').get(), 'created_ms');
  }

  /** A new active segment; its name is durable when it returns. */
  static create(path: string, { begins, createdMs }: { readonly begins: readonly number[]; readonly createdMs: number }): Segment {
    return opened(path, {}, (database) => {
      makeWritable(database);
      database.exec(`
        BEGIN IMMEDIATE;
        CREATE TABLE segment (created_ms INTEGER NOT NULL) STRICT;
        CREATE TABLE begins (partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL) STRICT;
        CREATE TABLE runs (
          id INTEGER PRIMARY KEY, partition INTEGER NOT NULL, last_offset INTEGER NOT NULL, base_offset INTEGER NOT NULL,
          records INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL, crc INTEGER NOT NULL, bytes BLOB NOT NULL,
          UNIQUE (partition, last_offset)
        ) STRICT;
      `);
      database.prepare('INSERT INTO segment VALUES (?)').run(createdMs);
      const begin = database.prepare('INSERT INTO begins VALUES (?, ?)');
      for (const [partition, offset] of begins.entries()) begin.run(partition, offset);
      database.exec(`PRAGMA user_version = ${segmentVersion}; COMMIT`);
      syncFolder(dirname(path));
      return new Segment(path, database);
    });
  }

  /** The last segment of a topic, to be written on; undefined where the process died before the segment was there. */
  static openActive(path: string): Segment | undefined {
    return opened(path, {}, (database) => {
      makeWritable(database);
      if (formatOf(database) !== 0) return new Segment(path, database);
      database.close();
      return undefined;
    });
  }

  static openSealed(path: string, { readOnly }: { readonly readOnly: boolean }): Segment {
    return opened(path, { readOnly }, (database) => {
      formatOf(database);
      return new Segment(path, database);
    });
  }

  /** Makes a single file of an active segment that was opened by `openActive`, and closes it. Idempotent over restarts. */
  seal(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE');
    this.#database.close();
  }

  /** Per partition, the offset of the next record. */
  ends(): number[] {
    return this.begins.map((begin, partition) => {
      const last = this.#statements.last.get(partition)?.['last_offset'];
      return typeof last === 'number' ? last + 1 : begin;
    });
  }

  /** Arrival of the newest record, or when the segment was made. */
  newestMs(): number {
    const row = this.#statements.newest.get();
    return row === undefined ? this.createdMs : integerOf(row, 'timestamp_ms');
  }

  isEmpty(): boolean {
    return this.#statements.newest.get() === undefined;
  }

  /** Size of the file, with what is still in the write-ahead log. */
  bytes(): number {
    return integerOf(this.#statements.pages.get(), 'bytes');
  }

  /** Durable when it returns. Throws with nothing appended unless `error` is thrown by the commit itself: see `inDoubt`. */
  append(rows: readonly SegmentRow[]): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const row of rows) this.#insert(row);
    } catch (error) {
      this.#rollBack();
      throw error;
    }
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#rollBack();
      throw new CommitFailed(error);
    }
  }

  /** Replaces all rows, in one transaction. */
  replaceRows(rows: Iterable<SegmentRow>): void {
    this.#database.exec('BEGIN IMMEDIATE; DELETE FROM runs');
    try {
      for (const row of rows) this.#insert(row);
      this.#database.exec('COMMIT; VACUUM');
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /**
   * Rows of the partition from the one with the offset on, until a limit is reached; the last row may go over it.
   * A row whose checksum is wrong is unreadable. A damaged file throws (`isDamage`).
   */
  read({ partition, offset, maxRecords, maxBytes }: RowsQuery): SegmentRows {
    const rows: EncodedRecords[] = [];
    const unreadable: OffsetRange[] = [];
    let records = 0;
    let bytes = 0;
    for (const row of this.#statements.read.iterate(partition, offset)) {
      const baseOffset = integerOf(row, 'base_offset');
      const lastOffset = integerOf(row, 'last_offset');
      const payload = bytesOf(row, 'bytes');
      if (crc32(payload) === integerOf(row, 'crc')) {
        rows.push({ bytes: payload, count: integerOf(row, 'records'), baseOffset, timestampMs: integerOf(row, 'timestamp_ms') });
      } else unreadable.push({ begin: Math.max(baseOffset, offset), end: lastOffset + 1 });
      records += lastOffset + 1 - Math.max(baseOffset, offset);
      bytes += payload.length;
      if (records >= maxRecords || bytes >= maxBytes) return { rows, unreadable, bytes, records, stoppedAt: lastOffset + 1 };
    }
    return { rows, unreadable, bytes, records, stoppedAt: undefined };
  }

  /** Size of the file on disk. */
  fileBytes(): number {
    return statSync(this.path).size;
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #insert({ partition, baseOffset, count, timestampMs, bytes }: SegmentRow): void {
    this.#statements.append.run(partition, baseOffset + count - 1, baseOffset, count, timestampMs, crc32(bytes), bytes);
  }

  #rollBack(): void {
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
  }
}

/** The commit failed: its rows may be there after the next start. */
export class CommitFailed extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Whether SQLite found the file itself damaged. */
export function isDamage(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && damageCodes.includes(error.errcode & 0xff);
}

export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function opened<Result>(path: string, options: { readonly readOnly?: boolean }, use: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(path, { timeout: 0, ...options });
  try {
    return use(database);
  } catch (error) {
    if (database.isOpen) database.close();
    throw error;
  }
}

function makeWritable(database: DatabaseSync): void {
  database.exec(
    `PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${checkpointPages}`,
  );
}

/** 0 for a file that is not finished yet. */
function formatOf(database: DatabaseSync): number {
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  if (version === 0 || version === segmentVersion) return version;
  throw new Error(`a segment has format ${String(version)}, this release reads format ${segmentVersion}`);
}
