import { AppError } from '../../../kernel/errors/app-error.ts';
import type { WriteOperation, WriteResult } from './sqlite-protocol.ts';

interface Submitted {
  readonly operation: WriteOperation;
  readonly size: number;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
}

export interface CommitQueueLimits {
  /** Operations and characters of one shared commit; one operation over the size still goes alone. */
  readonly maxBatchOperations: number;
  readonly maxBatchCharacters: number;
  /** Operations and characters that may wait; more is refused with `metadataUnavailable`. */
  readonly maxWaitingOperations: number;
  readonly maxWaitingCharacters: number;
}

const defaultLimits: CommitQueueLimits = {
  maxBatchOperations: 1000,
  maxBatchCharacters: 8_000_000,
  maxWaitingOperations: 20_000,
  maxWaitingCharacters: 64_000_000,
};

type Commit = (operations: readonly WriteOperation[]) => Promise<readonly WriteResult[]>;

/** Gathers what arrives during a commit into the next one: one sync of the disk for many writers. At most one commit is under way. */
export class CommitQueue {
  readonly #commit: Commit;
  readonly #limits: CommitQueueLimits;
  readonly #waiting: Submitted[] = [];
  #waitingCharacters = 0;
  #running: Promise<void> | undefined;

  constructor(commit: Commit, limits: CommitQueueLimits = defaultLimits) {
    this.#commit = commit;
    this.#limits = limits;
  }

  submit(operation: WriteOperation): Promise<WriteResult> {
    const size = charactersOf(operation);
    const { maxWaitingOperations, maxWaitingCharacters } = this.#limits;
    if (
      this.#waiting.length >= maxWaitingOperations ||
      (this.#waiting.length > 0 && this.#waitingCharacters + size > maxWaitingCharacters)
    ) {
      return Promise.reject(new AppError('metadataUnavailable', 'Too many metadata transactions wait; repeat later.'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<WriteResult>();
    this.#waiting.push({ operation, size, resolve, reject });
    this.#waitingCharacters += size;
    this.#running ??= this.#run();
    return promise;
  }

  /** Settles when everything submitted so far has. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // Callers of the same turn share the first commit.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        const results = await this.#commit(batch.map(({ operation }) => operation));
        batch.forEach(({ resolve, reject }, index) => {
          const result = results[index];
          if (result === undefined) reject(new AppError('invariantBroken', 'A metadata commit answered less than it was asked.'));
          else resolve(result);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = undefined;
  }

  #takeBatch(): Submitted[] {
    let count = 0;
    let characters = 0;
    for (const { size } of this.#waiting) {
      if (count >= this.#limits.maxBatchOperations || (count > 0 && characters + size > this.#limits.maxBatchCharacters)) break;
      count += 1;
      characters += size;
    }
    this.#waitingCharacters -= characters;
    return this.#waiting.splice(0, count);
  }
}

function charactersOf(operation: WriteOperation): number {
  if (operation.type !== 'transact') return 0;
  let characters = 0;
  for (const write of operation.transaction.writes) characters += write.key.length + (write.type === 'put' ? write.value.length : 0);
  return characters;
}
