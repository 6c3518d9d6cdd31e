import type { SeriesPoint } from '../../../engines/series/series-store.ts';
import type { DeadLetter } from './dead-letter.ts';

/** Records of one partition, in one piece, and what the route makes of them. */
export class JudgedBatch {
  readonly from: number;
  /** Behind the last record. */
  to: number;
  /** Of this route. */
  readonly points: SeriesPoint[] = [];
  /** Not yet on their way. */
  letters: DeadLetter[] = [];
  /** On their way; the batch may be stored once all have settled. */
  readonly sending: Promise<void>[] = [];
  readonly counts = { records: 0, repeats: 0, unmatched: 0, multiple: 0, unreadable: 0 };

  constructor(from: number) {
    this.from = from;
    this.to = from;
  }

  get isEmpty(): boolean {
    return this.to === this.from;
  }
}
