/**
 * Port: one time series, a table or a measurement, written from a partitioned log and read as buckets of time.
 *
 * A point's identity is the place of its record in the log: (topic id, partition, offset). A series belongs to one route.
 *
 * Exactly once, in one of two ways (`capabilities.exactlyOnce`):
 * - `transactional`: points, progress and repeats of a batch are stored in one transaction, fenced by the progress itself:
 *   it moves from `from` to `to` or the batch is not stored. So two writers of a partition, of which one does not know yet that it
 *   has lost it, can neither lose nor double a point.
 * - `identity`: a point is stored under its identity, and storing it again changes nothing. The store keeps no progress and no
 *   repeats; the caller commits its offsets elsewhere, after `write` has resolved.
 *
 * Durability: when `write` resolves, its effect survives the death of the process, and of the store's process.
 * In doubt: when `write` rejects, all, none or (`identity`) some points of the batch may be stored. The caller reads the progress
 * again and goes on from there (`transactional`), or sends the same points again (`identity`).
 * Deadlines: every call ends within the time limit that the store was opened with, or when its signal aborts: then it rejects with the
 * signal's reason. Connections are bounded, and made again after a failure.
 * Errors: `seriesUnavailable` (retry), `seriesMismatch` (terminal: the store is not as it must be, the message says what to mend),
 * `invariantBroken` for a batch or query that breaks the rules below.
 */
export interface SeriesStore extends AsyncDisposable {
  readonly capabilities: SeriesCapabilities;
  /** Creates what is missing, adds missing columns, never drops or rewrites. Idempotent, also when several do it at once. */
  ensureSchema(signal: AbortSignal): Promise<void>;
  /**
   * Where the next batch of the partition begins, committed. A partition that the store does not know is entered with `next` 0.
   * Undefined where the store is not transactional.
   */
  readProgress(partition: LogPartition, signal: AbortSignal): Promise<SeriesProgress | undefined>;
  /** Stores a batch, see above. A partition whose progress was never read is `fenced` at 0. */
  write(batch: SeriesBatch, signal: AbortSignal): Promise<WriteOutcome>;
  /** The chunks of repeats of a partition that were written and not forgotten, in the order of their batches; one page. */
  readRepeats(query: RepeatsQuery, signal: AbortSignal): Promise<RepeatsPage>;
  /** The buckets that hold points of the window, in ascending order. Points outside of it do not count, so the first and last may be partial. */
  readBuckets(query: BucketQuery, signal: AbortSignal): Promise<readonly Bucket[]>;
  /** Number of all points. */
  countPoints(signal: AbortSignal): Promise<number>;
  /** Offsets of the stored points of a partition in ascending order; an offset that is stored twice comes twice. */
  readOffsets(query: OffsetsQuery, signal: AbortSignal): Promise<readonly number[]>;
  /** Milliseconds of event time that the store keeps; older points are refused or deleted. Undefined: all. */
  readRetention(signal: AbortSignal): Promise<number | undefined>;
  /** Resolves when the store answers. */
  probe(signal: AbortSignal): Promise<void>;
}

export interface SeriesCapabilities {
  readonly exactlyOnce: 'transactional' | 'identity';
  /** Whether the text of an amount is kept as it came; else its value as a double is. */
  readonly keepsAmountText: boolean;
  /** The latest event time that the store takes, milliseconds; later points are refused. */
  readonly maxTimeMs: number;
}

/** The key of progress. */
export interface LogPartition {
  readonly route: string;
  /** Of one creation of the topic: a topic that is made again has another. */
  readonly topicId: string;
  readonly partition: number;
}

export interface SeriesProgress {
  /** Offset of the first record that was not handled yet. */
  readonly next: number;
  /** This call has entered the partition. */
  readonly isNew: boolean;
}

export interface SeriesPoint {
  /** Of the record in its partition. */
  readonly offset: number;
  /** Event time: milliseconds since the epoch, a whole number from 0 to `maxEventTimeMs`. */
  readonly timeMs: number;
  /** Finite. */
  readonly amount: number;
  /** The amount as the event has it: a decimal number. */
  readonly amountText: string;
}

/** What a `Date` can hold. */
export const maxEventTimeMs = 8.64e15;

/** All records of a partition from `from` up to, without, `to`: those that the route took are points, the others are passed over. */
export interface SeriesBatch {
  readonly partition: LogPartition;
  readonly from: number;
  /** Greater than `from`. */
  readonly to: number;
  /** Ascending offsets from `from` to below `to`, with gaps; may be empty. */
  readonly points: readonly SeriesPoint[];
  /** Only with a transactional store. */
  readonly repeats?: RepeatsChange;
}

/** The window of idempotency keys by which the reader of the log knows repeats: what this batch adds to it, and what leaves it. */
interface RepeatsChange {
  /** Kept as it is under the batch's `to`; at most `maxRepeatsChunkBytes`. Empty: nothing. */
  readonly chunk: Uint8Array;
  /** Chunks of batches with `to` at or below this offset are forgotten. 0: none. */
  readonly forgetThrough: number;
}

export const maxRepeatsChunkBytes = 4 * 1024 * 1024;

export type WriteOutcome =
  /** Points, progress and repeats are stored. `identity`: but for the refused points, which never will be. */
  | { readonly outcome: 'stored'; readonly refused: readonly RefusedPoint[] }
  /**
   * `transactional`: nothing is stored, since the progress must not pass a point that is nowhere. The caller keeps the refused points, at
   * least one, elsewhere and sends the batch again without them.
   */
  | { readonly outcome: 'refused'; readonly refused: readonly RefusedPoint[] }
  /** Nothing is stored: the progress is not at `from`. Drop the batch and go on at `next`. */
  | { readonly outcome: 'fenced'; readonly next: number };

export interface RefusedPoint {
  /** In `points`. */
  readonly index: number;
  /** `expired`: older than the store's retention. */
  readonly reason: 'rejected' | 'expired';
  /** The store's own sentence. */
  readonly text: string;
}

export interface RepeatsQuery {
  readonly partition: LogPartition;
  /** Only chunks behind this `to`; 0 for the first page. */
  readonly after: number;
}

export interface RepeatsPage {
  /** About a megabyte. */
  readonly chunks: readonly RepeatsChunk[];
  readonly more: boolean;
}

interface RepeatsChunk {
  /** Of the batch that brought it. */
  readonly to: number;
  readonly bytes: Uint8Array;
}

export const bucketFunctions = ['count', 'sum', 'avg', 'min', 'max'] as const;
export type BucketFunction = (typeof bucketFunctions)[number];

/** Event times from `fromMs` up to, without, `toMs`. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface BucketQuery {
  readonly window: TimeWindow;
  /** Length of a bucket; bucket starts are its multiples. */
  readonly stepMs: number;
  readonly fn: BucketFunction;
}

/** More buckets than these between the ends of a window are `invariantBroken`. */
export const maxBuckets = 100_000;

export interface Bucket {
  /** Multiple of the step, at or before the first point. */
  readonly startMs: number;
  /** Points in it. */
  readonly count: number;
  /** Of the function. A sum beyond the range of a double is infinite. */
  readonly value: number;
}

export interface OffsetsQuery {
  readonly topicId: string;
  readonly partition: number;
  readonly window: TimeWindow;
  /** Only offsets from here up to, without, `toOffset`; at most `maxOffsets` apart. */
  readonly fromOffset: number;
  readonly toOffset: number;
}

export const maxOffsets = 1_000_000;
