import type { RefusedPoint, SeriesBatch, SeriesPoint, SeriesStore, WriteOutcome } from '../../../engines/series/series-store.ts';
import type { Retry } from './retry.ts';

interface StoreOptions {
  readonly store: SeriesStore;
  readonly retry: Retry;
  /** Cuts off what runs. */
  readonly signal: AbortSignal;
}

type BatchOutcome = Exclude<WriteOutcome, { readonly outcome: 'fenced' }> | { readonly outcome: 'fenced' };

const nothingRefused: readonly RefusedPoint[] = [];

/**
 * Stores the batch, for as long as `retry` tries. After an attempt without an answer a transactional store is asked what became of it:
 * if its progress is at the batch's end, the batch is stored, since whoever stores a stretch of the log stores the same points.
 */
export async function storeBatch(batch: SeriesBatch, { store, retry, signal }: StoreOptions): Promise<BatchOutcome> {
  let isInDoubt = false;
  return await retry.run('The store does not take events', async () => {
    const progress = isInDoubt ? await store.readProgress(batch.partition, signal) : undefined;
    if (progress?.next === batch.to) return { outcome: 'stored', refused: nothingRefused };
    if (progress && progress.next !== batch.from) return { outcome: 'fenced' };
    isInDoubt = true;
    return await store.write(batch, signal);
  });
}

export function withoutRefused(points: readonly SeriesPoint[], refused: readonly RefusedPoint[]): SeriesPoint[] {
  const indexes = new Set(refused.map(({ index }) => index));
  return points.filter((_, index) => !indexes.has(index));
}
