import type { LiveBucket, SeriesType, StreamStatus } from '@sluice/contract/event-series';
import type { BucketFunction } from '../../../engines/series/series-store.ts';
import type { BucketGrid } from './bucket-grid.ts';
import type { Figure } from './fold-buckets.ts';
import { type Alignment, shownTime } from './series-answer.ts';
import type { StoreFailure } from './store-reads.ts';

interface LiveBucketsOptions {
  /** Of these buckets, unlike that of any others: text without colon and line break. */
  readonly start: string;
  readonly fn: BucketFunction;
  readonly rangeMs: number;
  readonly stepMs: number;
  readonly alignment: Alignment;
}

/** What the stores say at one moment. */
export interface LiveFigures {
  /** Complete buckets and, as the last one, that which is not over. */
  readonly grid: BucketGrid;
  readonly figures: ReadonlyMap<SeriesType, readonly Figure[]>;
  readonly failures: readonly StoreFailure[];
}

export interface LiveFrame {
  readonly type: SeriesType;
  readonly rev: number;
  /** The event of the stream. */
  readonly text: string;
}

interface KeptBucket extends LiveFrame {
  readonly count: number;
  readonly value: number;
  readonly isPartial: boolean;
}

/**
 * The buckets that streams follow. Each change gives its bucket the next revision, so whoever has seen all events up to a revision needs
 * those of a higher one, and no other: a bucket of a lower revision has not changed since.
 *
 * - A bucket that was read again and is the same keeps its revision. The end of a bucket is a change: it is partial no more.
 * - A store that does not answer changes nothing; its buckets come, changed or new, when it is back.
 * - Buckets that have left the window are forgotten; those that come back to it, by a clock that goes back, are new.
 */
export class LiveBuckets {
  readonly #options: LiveBucketsOptions;
  readonly #kept = new Map<string, KeptBucket>();
  #byRevision: readonly LiveFrame[] = [];
  #revision = 0;
  #status = { rev: 0, text: '' };

  constructor(options: LiveBucketsOptions) {
    this.#options = options;
  }

  get start(): string {
    return this.#options.start;
  }

  /** 0: nothing was taken in yet. */
  get revision(): number {
    return this.#revision;
  }

  /** The last word on which stores answer; empty while none was asked. */
  get status(): { readonly rev: number; readonly text: string } {
    return this.#status;
  }

  /** Events of a higher revision, in ascending order. */
  since(revision: number): readonly LiveFrame[] {
    let low = 0;
    let high = this.#byRevision.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#byRevision[middle]?.rev ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return this.#byRevision.slice(low);
  }

  take({ grid, figures, failures }: LiveFigures): void {
    const before = this.#revision;
    this.#takeStatus(failures, figures.size);
    const hasForgotten = this.#forgetOutside(grid);
    for (const [index, startMs] of grid.starts.entries()) {
      const span = { startMs, endMs: grid.starts[index + 1] ?? grid.endMs };
      const isPartial = index === grid.starts.length - 1;
      for (const [type, ofType] of figures) {
        const figure = ofType[index];
        if (figure) this.#takeBucket(type, { ...span, ...figure, isPartial });
      }
    }
    if (hasForgotten || this.#revision !== before) this.#byRevision = [...this.#kept.values()];
  }

  #takeBucket(
    type: SeriesType,
    { startMs, endMs, count, value, isPartial }: Figure & { startMs: number; endMs: number; isPartial: boolean },
  ): void {
    const key = `${startMs}:${type}`;
    const known = this.#kept.get(key);
    if (known && known.count === count && known.value === value && known.isPartial === isPartial) return;
    const { start, alignment } = this.#options;
    this.#revision += 1;
    const rev = this.#revision;
    const time = shownTime(type, { startMs, endMs }, alignment);
    const event: LiveBucket = { type, time, count, value, rev, ...(isPartial && { partial: true }) };
    // Taken out first: the map is in the order of the revisions.
    this.#kept.delete(key);
    this.#kept.set(key, { type, rev, count, value, isPartial, text: `id: ${start}:${rev}\ndata: ${JSON.stringify(event)}\n\n` });
  }

  #forgetOutside({ starts }: BucketGrid): boolean {
    const inside = new Set(starts);
    let hasForgotten = false;
    for (const key of this.#kept.keys()) {
      if (inside.has(Number.parseInt(key, 10))) continue;
      this.#kept.delete(key);
      hasForgotten = true;
    }
    return hasForgotten;
  }

  #takeStatus(failures: readonly StoreFailure[], answered: number): void {
    const { rangeMs: range, stepMs: step, fn } = this.#options;
    const message = failures.length === 0 ? 'ok' : answered > 0 ? 'partial' : 'unavailable';
    const status: StreamStatus = { message, range, step, fn, ...(failures.length > 0 && { errors: [...failures] }) };
    const text = `event: status\ndata: ${JSON.stringify(status)}\n\n`;
    if (text !== this.#status.text) this.#status = { rev: this.#status.rev + 1, text };
  }
}
