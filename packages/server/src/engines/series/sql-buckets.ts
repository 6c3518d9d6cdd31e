import type { Bucket, BucketFunction } from './series-store.ts';

/**
 * Amounts go into a sum in units of 2^64. So no sum of less than 2^64 of them is beyond the range of a double, which PostgreSQL
 * refuses and a mean does not deserve. A power of two changes no digit, but for amounts under 1e-288.
 */
const unit = 2 ** 64;

/** The SQL of what a store must find for the value of a bucket. */
export function bucketAggregate(fn: BucketFunction): string {
  switch (fn) {
    case 'count':
      return 'NULL';
    case 'sum':
    case 'avg':
      return `sum(amount * ${1 / unit})`;
    case 'min':
      return 'min(amount)';
    case 'max':
      return 'max(amount)';
  }
}

/** Buckets from rows of (start in milliseconds, count, what `bucketAggregate` has found). */
export function bucketsOf(fn: BucketFunction, rows: readonly (readonly unknown[])[]): Bucket[] {
  return rows.map(([start, n, found]) => {
    const count = Number(n);
    return { startMs: Number(start), count, value: valueOfBucket(fn, { count, found: Number(found) }) };
  });
}

function valueOfBucket(fn: BucketFunction, { count, found }: { readonly count: number; readonly found: number }): number {
  switch (fn) {
    case 'count':
      return count;
    case 'sum':
      return found * unit;
    case 'avg':
      return (found / count) * unit;
    case 'min':
    case 'max':
      return found;
  }
}
