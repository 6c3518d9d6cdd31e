/**
 * Port: the small, consistent store of definitions and states.
 *
 * Keys and values are well-formed text, keys not empty. A single counter, the revision, grows by one with every transaction
 * that changes something; a deletion of absent keys changes nothing.
 * Order: transactions are serializable in revision order; reads see every transaction committed before they began.
 * Durability: when `transact` settles with `committed: true`, the writes survive the death of the process.
 * Idempotency: none; a caller who lost an answer reads the keys again and compares revisions.
 * Errors: `metadataUnavailable` (retry), `metadataCompacted` from `watch` (list, then watch again), `leaseLost`.
 */
export interface MetadataStore extends AsyncDisposable {
  /** The entry, or undefined where the key is absent. */
  get(key: string): Promise<MetadataEntry | undefined>;
  /** Entries of a prefix in ascending byte order of the key, one page. */
  range(query: RangeQuery): Promise<RangePage>;
  /** Number of keys below a prefix. */
  count(prefix: string): Promise<number>;
  /**
   * Applies all writes, in order, if every check holds; nothing otherwise.
   * At most `maxTransactionOperations` checks and writes together; more is `invariantBroken`.
   * A key may be written once per transaction. `leaseLost` where a put names a lease that is gone; nothing is written then.
   */
  transact(transaction: MetadataTransaction): Promise<TransactionResult>;
  /**
   * Every change of the prefix with a revision >= fromRevision, without gaps and in order, until the signal aborts
   * (which ends the iteration normally). All events of one revision come in one batch.
   * A batch without events is progress: everything up to its revision was delivered. One comes, at the latest within
   * a second, after a commit that touched no key of the prefix, unless newer batches imply it.
   */
  watch(query: WatchQuery): AsyncIterable<WatchBatch>;
  /** A lease: entries put with its id are deleted when it is revoked, or not kept alive for ttlMs. */
  grantLease(ttlMs: number): Promise<MetadataLease>;
  /** The newest committed revision. */
  revision(): Promise<number>;
}

/** Checks and writes of one transaction, together. */
export const maxTransactionOperations = 100;

export interface MetadataEntry {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly leaseId?: string;
}

export interface RangeQuery {
  readonly prefix: string;
  /** Only keys greater than this one (the whole key, prefix included). */
  readonly after?: string;
  /** 1..1000. */
  readonly limit: number;
}

export interface RangePage {
  readonly entries: readonly MetadataEntry[];
  readonly more: boolean;
  /** The revision that the page shows. */
  readonly revision: number;
}

/** Holds if the key's modRevision equals; 0 means the key is absent. */
export interface MetadataCheck {
  readonly key: string;
  readonly modRevision: number;
}

export type MetadataWrite =
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly leaseId?: string }
  | { readonly type: 'delete'; readonly key: string };

export interface MetadataTransaction {
  readonly checks: readonly MetadataCheck[];
  readonly writes: readonly MetadataWrite[];
}

export type TransactionResult =
  | { readonly committed: true; readonly revision: number }
  /** A check did not hold; nothing was written. */
  | { readonly committed: false; readonly revision: number };

export interface WatchQuery {
  readonly prefix: string;
  readonly fromRevision: number;
  readonly signal: AbortSignal;
}

export interface WatchBatch {
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

export type WatchEvent =
  | { readonly type: 'put'; readonly entry: MetadataEntry }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: number };

export interface MetadataLease {
  readonly id: string;
  /** Extends the lease to a full ttl from now. `leaseLost` where it has expired or was revoked. */
  keepAlive(): Promise<void>;
  /** Ends the lease and deletes its entries. Idempotent. */
  revoke(): Promise<void>;
}
