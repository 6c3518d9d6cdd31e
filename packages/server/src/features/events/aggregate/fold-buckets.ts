import type { Bucket, BucketFunction } from '../../../engines/series/series-store.ts';
import type { BucketGrid } from './bucket-grid.ts';

export interface Figure {
  readonly count: number;
  /** Of the function; of no events 0. */
  readonly value: number;
}

const empty: Figure = { count: 0, value: 0 };

/** The figures of the grid's buckets, in their order, from the buckets of a store, which are as long as a unit of the grid. */
export function foldBuckets(
  { starts, endMs }: Pick<BucketGrid, 'starts' | 'endMs'>,
  buckets: readonly Bucket[],
  fn: BucketFunction,
): Figure[] {
  let at = 0;
  return starts.map((startMs, index) => {
    const end = starts[index + 1] ?? endMs;
    let figure = empty;
    for (let bucket = buckets[at]; bucket && bucket.startMs < end; bucket = buckets[at]) {
      if (bucket.startMs >= startMs && bucket.count > 0) figure = figure.count === 0 ? bucket : joined(figure, bucket, fn);
      at += 1;
    }
    return figure;
  });
}

/** The figure of all events of two. */
function joined(one: Figure, other: Figure, fn: BucketFunction): Figure {
  const count = one.count + other.count;
  switch (fn) {
    case 'count':
      return { count, value: count };
    case 'sum':
      return { count, value: one.value + other.value };
    case 'avg':
      return { count, value: one.value * (one.count / count) + other.value * (other.count / count) };
    case 'min':
      return { count, value: Math.min(one.value, other.value) };
    case 'max':
      return { count, value: Math.max(one.value, other.value) };
  }
}
