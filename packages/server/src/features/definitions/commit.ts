import type { MetadataStore, MetadataTransaction } from '../../engines/metadata/metadata-store.ts';
import { Backoff } from '../../kernel/async/backoff.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { AppError } from '../../kernel/errors/app-error.ts';

const maxAttempts = 12;

/**
 * Commits what `build` returns; when others were faster, `build` reads everything again and a new transaction is tried.
 * The committed revision; `transactionConflict` after twelve attempts in some three seconds.
 */
export async function commit(store: MetadataStore, build: () => Promise<MetadataTransaction>): Promise<number> {
  const backoff = new Backoff({ initialMs: 5, maxMs: 500 });
  for (let attempt = 1; ; attempt += 1) {
    const { committed, revision } = await store.transact(await build());
    if (committed) return revision;
    if (attempt === maxAttempts) {
      throw new AppError('transactionConflict', 'Others changed the same entity again and again, please repeat the operation.');
    }
    await sleep(backoff.next());
  }
}
