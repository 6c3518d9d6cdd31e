import type { StoredRecord } from '../../../engines/log/log-engine.ts';
import { parseEvent } from '../parse-event.ts';
import { recordOrigin } from '../record-headers.ts';
import type { RepeatWindow } from '../repeat-window.ts';
import type { Routes } from '../routes.ts';
import type { DeadReason } from './dead-letter.ts';
import type { JudgedBatch } from './judged-batch.ts';

export interface JudgeOptions {
  readonly route: string;
  readonly window: RepeatWindow;
  readonly maxFutureSkewMs: number;
  /** What becomes of an event that no route takes. */
  readonly unmatched: 'keep' | 'drop';
}

/** Decides what becomes of the records of one partition: of their bytes, arrival times and order alone, so every reader decides alike. */
export class Judge {
  readonly #options: JudgeOptions;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** Takes the record into the batch: as a point, a dead letter, or a count. */
  take(record: StoredRecord, routes: Routes, batch: JudgedBatch): void {
    const { route, window, maxFutureSkewMs, unmatched } = this.#options;
    const { offset, timestampMs, value, headers } = record;
    const { counts } = batch;
    counts.records += 1;
    // Before everything else: a repeat is one whatever its record holds, or readers of other routes would count otherwise.
    const origin = headers.length === 0 ? undefined : recordOrigin(record);
    if (origin && window.see({ key: origin.key, index: origin.index, timestampMs })) {
      counts.repeats += 1;
      return;
    }
    const dead = (reason: DeadReason, text: string) => void batch.letters.push({ record, reason, text });
    if (value === null) {
      dead('invalid', 'the record has no value');
      return;
    }
    const parsed = parseEvent(value, { arrivalMs: timestampMs, maxFutureSkewMs });
    if (!parsed.ok) {
      dead('invalid', parsed.reason);
      return;
    }
    const { time, amount, amountText } = parsed.value;
    const { matched, failed } = routes.judge(parsed.value);
    if (matched.includes(route)) batch.points.push({ offset, timeMs: time, amount, amountText });
    if (matched.length > 1) counts.multiple += 1;
    const failure = failed?.find((one) => one.route === route);
    if (failure) dead('failed', `the predicate of the route has no value for the event: ${failure.reason}`);
    if (matched.length > 0 || failed) return;
    counts.unmatched += 1;
    if (unmatched === 'keep') dead('unmatched', 'no route takes the event');
  }
}
