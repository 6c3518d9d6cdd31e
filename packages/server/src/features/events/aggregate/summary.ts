import type { SummaryAnswer, TypeSummary } from '@sluice/contract/event-series';
import type { BucketFunction } from '../../../engines/series/series-store.ts';
import { foldBuckets } from './fold-buckets.ts';
import { failureStatus, type MadeAnswer, made } from './series-answer.ts';
import type { WindowQuery } from './series-query.ts';
import type { ReadableStore, StoreReads } from './store-reads.ts';

/** What is in the stores for a window, to the millisecond. */
export async function summaryAnswer({ fromMs, toMs, types }: WindowQuery, reads: StoreReads): Promise<MadeAnswer> {
  const window = { fromMs, toMs };
  const { answers, failures } = await reads.ask({ types, read: (store, signal) => summarize(store, window, signal) });
  const errors = failures.length > 0 ? { errors: [...failures] } : {};
  const summaries = [...answers].map(([type, summary]) => ({ type, ...summary }));
  const answer = (message: string): SummaryAnswer => ({ message, from: fromMs, to: toMs, types: summaries, ...errors });
  if (answers.size === 0) return made(failureStatus(failures), answer('no store answered'));
  return made(200, answer(failures.length > 0 ? 'partial' : 'ok'));
}

async function summarize(
  store: ReadableStore,
  window: { readonly fromMs: number; readonly toMs: number },
  signal: AbortSignal,
): Promise<Omit<TypeSummary, 'type'>> {
  // As long as the window, so they are one or two.
  const stepMs = Math.max(1, window.toMs - window.fromMs);
  const figureOf = async (fn: BucketFunction) => {
    const buckets = await store.readBuckets({ window, stepMs, fn }, signal);
    const whole = { starts: [0], endMs: Number.POSITIVE_INFINITY };
    return foldBuckets(whole, buckets, fn)[0] ?? { count: 0, value: 0 };
  };
  const [sum, min, max] = await Promise.all([figureOf('sum'), figureOf('min'), figureOf('max')]);
  const { count } = sum;
  const perSecond = (count * 1000) / stepMs;
  if (count === 0) return { count, perSecond, sum: 0, avg: null, min: null, max: null };
  return { count, perSecond, sum: sum.value, avg: sum.value / count, min: min.value, max: max.value };
}
