import type { ErrorCode } from '../../../kernel/errors/error-table.ts';
import type { MetadataEntry, MetadataTransaction, RangePage, RangeQuery, WatchBatch } from '../metadata-store.ts';

/** What one shared commit applies, each on its own and in order. */
export type WriteOperation =
  | { readonly type: 'transact'; readonly transaction: MetadataTransaction }
  | { readonly type: 'grant'; readonly ttlMs: number }
  | { readonly type: 'revoke'; readonly leaseId: string };

export type WriteResult =
  | { readonly type: 'committed'; readonly revision: number }
  | { readonly type: 'refused'; readonly revision: number }
  | { readonly type: 'granted'; readonly leaseId: string }
  /** A put named a lease that does not exist; nothing of its transaction was written. */
  | { readonly type: 'leaseLost'; readonly leaseId: string };

export interface CommitOutcome {
  readonly results: readonly WriteResult[];
  readonly batches: readonly WatchBatch[];
  readonly revision: number;
}

export interface HistoryQuery {
  readonly prefix: string;
  readonly fromRevision: number;
  /** A page ends after the revision that reaches this number of events. */
  readonly limit: number;
}

export interface HistoryPage {
  readonly batches: readonly WatchBatch[];
  /** Every event of the prefix up to this revision is in this page or an earlier one. */
  readonly through: number;
  readonly more: boolean;
}

/** Questions to the worker; it answers in order, so a read sees every commit asked for before it. */
export type WorkerQuestion =
  | { readonly type: 'commit'; readonly operations: readonly WriteOperation[] }
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'range'; readonly query: RangeQuery }
  | { readonly type: 'count'; readonly prefix: string }
  | { readonly type: 'revision' }
  | { readonly type: 'history'; readonly query: HistoryQuery }
  | { readonly type: 'keepAlive'; readonly leaseId: string }
  | { readonly type: 'close' };

export interface WorkerRequest {
  readonly id: number;
  readonly question: WorkerQuestion;
}

export type WorkerAnswer =
  | { readonly type: 'commit'; readonly outcome: CommitOutcome }
  | { readonly type: 'get'; readonly entry: MetadataEntry | undefined }
  | { readonly type: 'range'; readonly page: RangePage }
  | { readonly type: 'count'; readonly count: number }
  | { readonly type: 'revision'; readonly revision: number }
  | { readonly type: 'history'; readonly page: HistoryPage }
  | { readonly type: 'keepAlive'; readonly alive: boolean }
  | { readonly type: 'close' };

export type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'unusable'; readonly message: string }
  | { readonly type: 'answer'; readonly id: number; readonly answer: WorkerAnswer }
  | { readonly type: 'failed'; readonly id: number; readonly code: ErrorCode; readonly message: string }
  /** Expired leases changed keys. */
  | { readonly type: 'expired'; readonly batches: readonly WatchBatch[]; readonly revision: number };

export interface WorkerOptions {
  readonly file: string;
  /** Revisions whose events are kept at least; older ones are compacted. */
  readonly historyRevisions: number;
}

export function isAnswer<Type extends WorkerAnswer['type']>(
  answer: WorkerAnswer,
  type: Type,
): answer is Extract<WorkerAnswer, { type: Type }> {
  return answer.type === type;
}
