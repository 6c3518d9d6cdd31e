import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AppError } from '../../../kernel/errors/app-error.ts';
import type { MetadataEntry, MetadataTransaction, RangePage, RangeQuery, WatchBatch, WatchEvent } from '../metadata-store.ts';
import { keyRange } from './key-range.ts';
import type { CommitOutcome, HistoryPage, HistoryQuery, WorkerOptions, WriteOperation, WriteResult } from './sqlite-protocol.ts';
import { entryOf, eventOf, integerOf, textOf } from './sqlite-rows.ts';
import { prepareDatabase } from './sqlite-schema.ts';

/** A page of history ends at the revision that reaches this many characters of values. */
const maxHistoryCharacters = 1_000_000;

interface OpenCommit {
  revision: number;
  readonly batches: WatchBatch[];
}

/**
 * The metadata store on one SQLite file, synchronous; it lives in the worker thread.
 *
 * `entries` is the present, `events` the newest revisions for watches, `leases` the granted ones (their deadlines live in memory).
 * The revision grows once per transaction that changed something, also inside a shared commit.
 */
export class SqliteDatabase implements Disposable {
  readonly #database: DatabaseSync;
  readonly #historyRevisions: number;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #revision: number;
  #compacted: number;

  constructor(options: WorkerOptions) {
    this.#historyRevisions = options.historyRevisions;
    this.#database = new DatabaseSync(options.file, { timeout: 0 });
    try {
      prepareDatabase(this.#database);
      this.#statements = prepareStatements(this.#database);
      this.#revision = integerOf(this.#statements.counter.get('revision'), 'value');
      this.#compacted = integerOf(this.#statements.counter.get('compacted'), 'value');
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  get revision(): number {
    return this.#revision;
  }

  leases(): { readonly id: string; readonly ttlMs: number }[] {
    return this.#statements.leases.all().map((row) => ({ id: String(integerOf(row, 'id')), ttlMs: integerOf(row, 'ttl_ms') }));
  }

  /** Applies the operations in order in one durable commit. Throws with nothing applied where SQLite fails. */
  commit(operations: readonly WriteOperation[]): CommitOutcome {
    const commit: OpenCommit = { revision: this.#revision, batches: [] };
    let compacted = this.#compacted;
    this.#database.exec('BEGIN IMMEDIATE');
    let results: WriteResult[];
    try {
      results = operations.map((operation) => this.#apply(operation, commit));
      if (commit.revision !== this.#revision) {
        this.#statements.setCounter.run(commit.revision, 'revision');
        compacted = this.#compact(commit.revision);
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
    this.#revision = commit.revision;
    this.#compacted = compacted;
    return { results, batches: commit.batches, revision: commit.revision };
  }

  get(key: string): MetadataEntry | undefined {
    const row = this.#statements.get.get(key);
    return row === undefined ? undefined : entryOf(row);
  }

  range({ prefix, after, limit }: RangeQuery): RangePage {
    const { from, to } = keyRange(prefix);
    const rows = this.#statements.range.all(from, to, after ?? '', limit + 1);
    return { entries: rows.slice(0, limit).map(entryOf), more: rows.length > limit, revision: this.#revision };
  }

  count(prefix: string): number {
    const { from, to } = keyRange(prefix);
    return integerOf(this.#statements.count.get(from, to), 'count');
  }

  history({ prefix, fromRevision, limit }: HistoryQuery): HistoryPage {
    if (fromRevision <= this.#compacted) {
      throw new AppError('metadataCompacted', `The revision ${fromRevision} is compacted; the oldest kept is ${this.#compacted + 1}.`);
    }
    const { from, to } = keyRange(prefix);
    const batches: { revision: number; events: WatchEvent[] }[] = [];
    let events = 0;
    let characters = 0;
    for (const row of this.#statements.history.iterate(fromRevision, from, to)) {
      const revision = integerOf(row, 'revision');
      let batch = batches.at(-1);
      if (batch?.revision !== revision) {
        if (events >= limit || characters >= maxHistoryCharacters) return { batches, through: batch?.revision ?? fromRevision, more: true };
        batch = { revision, events: [] };
        batches.push(batch);
      }
      const event = eventOf(row);
      batch.events.push(event);
      events += 1;
      if (event.type === 'put') characters += event.entry.value.length;
    }
    return { batches, through: this.#revision, more: false };
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #apply(operation: WriteOperation, commit: OpenCommit): WriteResult {
    switch (operation.type) {
      case 'transact':
        return this.#transact(operation.transaction, commit);
      case 'grant':
        return { type: 'granted', leaseId: String(integerOf(this.#statements.grant.get(operation.ttlMs), 'id')) };
      case 'revoke':
        return this.#revoke(operation.leaseId, commit);
    }
  }

  #transact({ checks, writes }: MetadataTransaction, commit: OpenCommit): WriteResult {
    for (const check of checks) {
      const row = this.#statements.modRevision.get(check.key);
      const modRevision = row === undefined ? 0 : integerOf(row, 'mod_revision');
      if (modRevision !== check.modRevision) return { type: 'refused', revision: commit.revision };
    }
    for (const write of writes) {
      if (write.type === 'put' && write.leaseId !== undefined && this.#statements.lease.get(Number(write.leaseId)) === undefined) {
        return { type: 'leaseLost', leaseId: write.leaseId };
      }
    }
    const revision = commit.revision + 1;
    const events: WatchEvent[] = [];
    for (const write of writes) {
      if (write.type === 'delete') this.#delete(write.key, { revision, events });
      else {
        const lease = write.leaseId ?? null;
        const created = this.#statements.put.get(write.key, write.value, revision, lease);
        const createRevision = integerOf(created, 'create_revision');
        this.#statements.event.run(revision, write.key, write.value, createRevision, lease);
        const entry = { key: write.key, value: write.value, createRevision, modRevision: revision };
        events.push({ type: 'put', entry: write.leaseId === undefined ? entry : { ...entry, leaseId: write.leaseId } });
      }
    }
    return this.#finish(events, commit);
  }

  #revoke(leaseId: string, commit: OpenCommit): WriteResult {
    const events: WatchEvent[] = [];
    for (const row of this.#statements.leased.all(leaseId)) this.#delete(textOf(row, 'key'), { revision: commit.revision + 1, events });
    this.#statements.revoke.run(Number(leaseId));
    return this.#finish(events, commit);
  }

  #delete(key: string, at: { readonly revision: number; readonly events: WatchEvent[] }): void {
    if (this.#statements.delete.run(key).changes === 0) return;
    this.#statements.event.run(at.revision, key, null, 0, null);
    at.events.push({ type: 'delete', key, modRevision: at.revision });
  }

  #finish(events: readonly WatchEvent[], commit: OpenCommit): WriteResult {
    if (events.length > 0) {
      commit.revision += 1;
      commit.batches.push({ revision: commit.revision, events });
    }
    return { type: 'committed', revision: commit.revision };
  }

  /** In steps of a tenth of the history, so that not every commit deletes. */
  #compact(revision: number): number {
    const oldest = revision - this.#historyRevisions;
    if (oldest < this.#compacted + this.#historyRevisions / 10) return this.#compacted;
    this.#statements.compact.run(oldest);
    this.#statements.setCounter.run(oldest, 'compacted');
    return oldest;
  }
}

function prepareStatements(database: DatabaseSync): Record<StatementName, StatementSync> {
  return {
    counter: database.prepare('SELECT value FROM counters WHERE name = ?'),
    setCounter: database.prepare('UPDATE counters SET value = ? WHERE name = ?'),
    get: database.prepare('SELECT * FROM entries WHERE key = ?'),
    modRevision: database.prepare('SELECT mod_revision FROM entries WHERE key = ?'),
    range: database.prepare('SELECT * FROM entries WHERE key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?'),
    count: database.prepare('SELECT count(*) AS count FROM entries WHERE key >= ? AND key < ?'),
    put: database.prepare(`INSERT INTO entries (key, value, create_revision, mod_revision, lease_id) VALUES (?1, ?2, ?3, ?3, ?4)
      ON CONFLICT (key) DO UPDATE SET value = ?2, mod_revision = ?3, lease_id = ?4 RETURNING create_revision`),
    delete: database.prepare('DELETE FROM entries WHERE key = ?'),
    event: database.prepare('INSERT INTO events (revision, key, value, create_revision, lease_id) VALUES (?, ?, ?, ?, ?)'),
    history: database.prepare('SELECT * FROM events WHERE revision >= ? AND key >= ? AND key < ? ORDER BY revision, id'),
    compact: database.prepare('DELETE FROM events WHERE revision <= ?'),
    lease: database.prepare('SELECT id FROM leases WHERE id = ?'),
    leases: database.prepare('SELECT id, ttl_ms FROM leases'),
    grant: database.prepare('INSERT INTO leases (ttl_ms) VALUES (?) RETURNING id'),
    revoke: database.prepare('DELETE FROM leases WHERE id = ?'),
    leased: database.prepare('SELECT key FROM entries WHERE lease_id = ? ORDER BY key'),
  };
}

type StatementName =
  | 'counter'
  | 'setCounter'
  | 'get'
  | 'modRevision'
  | 'range'
  | 'count'
  | 'put'
  | 'delete'
  | 'event'
  | 'history'
  | 'compact'
  | 'lease'
  | 'leases'
  | 'grant'
  | 'revoke'
  | 'leased';
