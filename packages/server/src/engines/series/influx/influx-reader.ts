import type { Bucket, BucketQuery, OffsetsQuery } from '../series-store.ts';

/** What differs between the query languages of 1.x and 2.x. Windows are not empty and end at or before the latest time of InfluxDB. */
export interface InfluxReader {
  /** Buckets in any order; `infinite` where the server cannot write a value down because it is beyond the range of a double. */
  buckets(query: BucketQuery, reading: BucketReading): Promise<readonly Bucket[] | 'infinite'>;
  count(reading: Reading): Promise<number>;
  /** Offsets of the partition in any order, also beyond those asked for. */
  offsets(query: OffsetsQuery, reading: Reading): Promise<readonly number[]>;
  /** Milliseconds that are kept, 0 for all; undefined where the database or bucket does not exist. */
  retention(reading: Reading): Promise<number | undefined>;
  /** Makes the database, where that is possible. */
  create(reading: Reading): Promise<void>;
}

export interface Reading {
  readonly signal: AbortSignal;
}

export interface BucketReading extends Reading {
  /** Values are divided by this power of two before the function. */
  readonly divisor: number;
}

/** The values of tag `g` that offsets from `fromOffset` to below `toOffset` have. */
export function groupsOf({ fromOffset, toOffset }: OffsetsQuery, offsetsPerGroup: number): number[] {
  const first = Math.floor(fromOffset / offsetsPerGroup);
  const last = Math.floor((toOffset - 1) / offsetsPerGroup);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
