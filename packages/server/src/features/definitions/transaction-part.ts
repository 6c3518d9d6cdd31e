import { maxTransactionOperations } from '../../engines/metadata/metadata-store.ts';
import type { TransactionPart } from './definition-hooks.ts';

export const joinParts = (...parts: readonly TransactionPart[]): TransactionPart => ({
  checks: parts.flatMap(({ checks }) => checks),
  writes: parts.flatMap(({ writes }) => writes),
});

/** Whether the parts together are no more than a transaction may hold. */
export const fitTogether = (...parts: readonly TransactionPart[]): boolean =>
  parts.reduce((sum, { checks, writes }) => sum + checks.length + writes.length, 0) <= maxTransactionOperations;
