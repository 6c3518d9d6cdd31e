import { AppError } from '../../kernel/errors/app-error.ts';
import { type MetadataTransaction, maxTransactionOperations, type RangeQuery } from './metadata-store.ts';

const maxRangeLimit = 1000;

/** What every adapter refuses before it talks to its engine: all are bugs of the caller (`invariantBroken`). */
export function assertTransaction({ checks, writes }: MetadataTransaction): void {
  const operations = checks.length + writes.length;
  if (operations > maxTransactionOperations) {
    broken(`A metadata transaction has ${operations} operations, over the limit of ${maxTransactionOperations}.`);
  }
  for (const check of checks) assertKey(check.key);
  const written = new Set<string>();
  for (const write of writes) {
    assertKey(write.key);
    if (written.has(write.key)) broken(`A metadata transaction writes the key "${write.key}" twice.`);
    written.add(write.key);
    if (write.type === 'put' && !write.value.isWellFormed()) broken(`The value of the key "${write.key}" is no valid Unicode text.`);
  }
}

export function assertRange({ limit, prefix, after }: RangeQuery): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > maxRangeLimit)
    broken(`A metadata range has the limit ${limit}, not 1 to ${maxRangeLimit}.`);
  if (!prefix.isWellFormed() || after?.isWellFormed() === false) broken('A metadata range has a bound that is no valid Unicode text.');
}

/** Lone surrogates would be stored as U+FFFD, so two keys could become one. */
export function assertKey(key: string): void {
  if (key === '') broken('A metadata key is empty.');
  if (!key.isWellFormed()) broken('A metadata key is no valid Unicode text.');
}

function broken(message: string): never {
  throw new AppError('invariantBroken', message);
}
