import { AppError } from '../../../kernel/errors/app-error.ts';
import { type Checkpoint, noCheckpoint } from '../../../kernel/observe/checkpoint.ts';
import { assertKey, assertRange, assertTransaction } from '../assert-query.ts';
import type {
  MetadataEntry,
  MetadataLease,
  MetadataStore,
  MetadataTransaction,
  RangePage,
  RangeQuery,
  TransactionResult,
  WatchBatch,
  WatchQuery,
} from '../metadata-store.ts';
import { CommitQueue } from './commit-queue.ts';
import type { WriteOperation, WriteResult } from './sqlite-protocol.ts';
import { SqliteWatcher, type WatcherLimits } from './sqlite-watcher.ts';
import { WorkerLink } from './worker-link.ts';

export interface SqliteMetadataOptions {
  /** Path of the database file; its folder must exist. The worker holds the file exclusively. */
  readonly file: string;
  readonly checkpoint?: Checkpoint;
  /** Revisions that a watch can go back at least. */
  readonly historyRevisions?: number;
  readonly watcherLimits?: WatcherLimits;
}

const defaultHistoryRevisions = 10_000;

/**
 * Metadata in one SQLite file, WAL and FULL sync, in a worker thread.
 *
 * Transactions that arrive during a commit share the next one (record-path 8). Questions go to the worker in order,
 * so a read sees every transaction that settled before it. Lease deadlines are the worker's own monotonic clock,
 * so a busy main thread cannot prolong a lease; after a restart every lease has its full ttl again.
 */
export class SqliteMetadataStore implements MetadataStore {
  readonly #link: WorkerLink;
  readonly #watchers: Set<SqliteWatcher>;
  readonly #queue: CommitQueue;
  readonly #checkpoint: Checkpoint;
  readonly #watcherLimits: WatcherLimits | undefined;
  #closing: Promise<void> | undefined;

  private constructor(link: WorkerLink, watchers: Set<SqliteWatcher>, options: SqliteMetadataOptions) {
    this.#link = link;
    this.#watchers = watchers;
    this.#checkpoint = options.checkpoint ?? noCheckpoint;
    this.#watcherLimits = options.watcherLimits;
    this.#queue = new CommitQueue((operations) => this.#commit(operations));
  }

  /** `metadataUnavailable` where the file cannot be opened, another process holds it, or a newer release wrote it. */
  static async open(options: SqliteMetadataOptions): Promise<SqliteMetadataStore> {
    const watchers = new Set<SqliteWatcher>();
    const link = await WorkerLink.open(
      { file: options.file, historyRevisions: options.historyRevisions ?? defaultHistoryRevisions },
      {
        committed: (batches, revision) => {
          for (const watcher of watchers) watcher.publish(batches, revision);
        },
        died: (error) => {
          for (const watcher of watchers) watcher.fail(error);
        },
      },
    );
    return new SqliteMetadataStore(link, watchers, options);
  }

  async get(key: string): Promise<MetadataEntry | undefined> {
    this.#assertOpen();
    assertKey(key);
    return (await this.#link.ask({ type: 'get', key })).entry;
  }

  async range(query: RangeQuery): Promise<RangePage> {
    this.#assertOpen();
    assertRange(query);
    return (await this.#link.ask({ type: 'range', query })).page;
  }

  async count(prefix: string): Promise<number> {
    this.#assertOpen();
    return (await this.#link.ask({ type: 'count', prefix })).count;
  }

  async revision(): Promise<number> {
    this.#assertOpen();
    return (await this.#link.ask({ type: 'revision' })).revision;
  }

  async transact(transaction: MetadataTransaction): Promise<TransactionResult> {
    this.#assertOpen();
    assertTransaction(transaction);
    const result = await this.#queue.submit({ type: 'transact', transaction });
    switch (result.type) {
      case 'committed':
        return { committed: true, revision: result.revision };
      case 'refused':
        return { committed: false, revision: result.revision };
      case 'leaseLost':
        throw leaseLost(result.leaseId);
      case 'granted':
        throw unexpected(result);
    }
  }

  async *watch(query: WatchQuery): AsyncGenerator<WatchBatch, void, undefined> {
    this.#assertOpen();
    if (!Number.isInteger(query.fromRevision) || query.fromRevision < 1) {
      throw new AppError('invariantBroken', `A metadata watch begins at revision ${query.fromRevision}, not at 1 or later.`);
    }
    const watcher = new SqliteWatcher(
      query,
      async (history) => (await this.#link.ask({ type: 'history', query: history })).page,
      this.#watcherLimits,
    );
    this.#watchers.add(watcher);
    try {
      yield* watcher.batches();
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  async grantLease(ttlMs: number): Promise<MetadataLease> {
    this.#assertOpen();
    if (!Number.isInteger(ttlMs) || ttlMs < 1) throw new AppError('invariantBroken', `A lease of ${ttlMs} ms was asked for.`);
    const granted = await this.#queue.submit({ type: 'grant', ttlMs });
    if (granted.type !== 'granted') throw unexpected(granted);
    const { leaseId } = granted;
    return {
      id: leaseId,
      keepAlive: async () => {
        this.#assertOpen();
        if (!(await this.#link.ask({ type: 'keepAlive', leaseId })).alive) throw leaseLost(leaseId);
      },
      revoke: async () => {
        this.#assertOpen();
        await this.#queue.submit({ type: 'revoke', leaseId });
      },
    };
  }

  /** Commits what was asked for, ends the watches with `metadataUnavailable`, and joins the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    await this.#queue.drain();
    await this.#link.close();
  }

  async #commit(operations: readonly WriteOperation[]): Promise<readonly WriteResult[]> {
    const writes = operations.some((operation) => operation.type !== 'transact' || operation.transaction.writes.length > 0);
    if (writes) this.#checkpoint('metadata.beforeCommit');
    const { outcome } = await this.#link.ask({ type: 'commit', operations });
    if (writes) this.#checkpoint('metadata.afterCommit');
    return outcome.results;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new AppError('metadataUnavailable', 'The metadata store is closed.');
  }
}

function leaseLost(leaseId: string): AppError {
  return new AppError('leaseLost', `The lease ${leaseId} has expired or was revoked.`);
}

function unexpected(result: WriteResult): AppError {
  return new AppError('invariantBroken', `The metadata worker answered "${result.type}".`);
}
