import type { BucketFunction } from './series-store.ts';

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

/** The value of a bucket from what `bucketAggregate` has found. */
export function bucketValue(fn: BucketFunction, { count, found }: { readonly count: number; readonly found: unknown }): number {
  switch (fn) {
    case 'count':
      return count;
    case 'sum':
      return Number(found) * unit;
    case 'avg':
      return (Number(found) / count) * unit;
    case 'min':
    case 'max':
      return Number(found);
  }
}
