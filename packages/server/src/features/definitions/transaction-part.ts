import { type MetadataCheck, type MetadataEntry, maxTransactionOperations } from '../../engines/metadata/metadata-store.ts';
import type { TransactionPart } from './definition-hooks.ts';

export const joinParts = (...parts: readonly TransactionPart[]): TransactionPart => ({
  checks: parts.flatMap(({ checks }) => checks),
  writes: parts.flatMap(({ writes }) => writes),
});

/** Whether the parts together are no more than a transaction may hold. */
export const fitTogether = (...parts: readonly TransactionPart[]): boolean =>
  parts.reduce((sum, { checks, writes }) => sum + checks.length + writes.length, 0) <= maxTransactionOperations;

export const unchanged = ({ key, modRevision }: MetadataEntry): MetadataCheck => ({ key, modRevision });

/** The entry as it is, with a new revision. */
export const rewritten = (entry: MetadataEntry): TransactionPart => ({
  checks: [unchanged(entry)],
  writes: [{ type: 'put', key: entry.key, value: entry.value }],
});

export const removed = (entry: MetadataEntry): TransactionPart => ({
  checks: [unchanged(entry)],
  writes: [{ type: 'delete', key: entry.key }],
});
