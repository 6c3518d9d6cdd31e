import type { MetadataStore, MetadataTransaction } from '../../engines/metadata/metadata-store.ts';
import { Backoff } from '../../kernel/async/backoff.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { AppError } from '../../kernel/errors/app-error.ts';

/** In a row, in some three seconds. */
const maxConflicts = 12;

/** What an operation does next: one transaction of several, its last one, or nothing, because all is as it shall be since `revision`. */
export type Step =
  | { readonly type: 'batch' | 'last'; readonly transaction: MetadataTransaction }
  | { readonly type: 'settled'; readonly revision: number };

/**
 * Commits one step after the other until the last. `next` reads everything again each time: after a batch, and when others
 * were faster. So an operation that was cut off is finished by repeating it.
 * The revision of the end; `transactionConflict` where others are faster again and again.
 */
export async function commitSteps(store: MetadataStore, next: () => Promise<Step>): Promise<number> {
  const backoff = new Backoff({ initialMs: 5, maxMs: 500 });
  for (let conflicts = 0; conflicts < maxConflicts; ) {
    const step = await next();
    if (step.type === 'settled') return step.revision;
    const { committed, revision } = await store.transact(step.transaction);
    if (committed && step.type === 'last') return revision;
    conflicts = committed ? 0 : conflicts + 1;
    if (committed) backoff.succeeded();
    else if (conflicts < maxConflicts) await sleep(backoff.next());
  }
  throw new AppError('transactionConflict', 'Others changed the same entity again and again, please repeat the operation.');
}

/** As `commitSteps`, with one transaction. */
export function commit(store: MetadataStore, build: () => Promise<MetadataTransaction>): Promise<number> {
  return commitSteps(store, async () => ({ type: 'last', transaction: await build() }));
}
