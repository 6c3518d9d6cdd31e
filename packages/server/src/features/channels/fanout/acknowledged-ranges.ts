import type { DeliveredRange } from '../session-account.ts';

/** Ranges that wait; the oldest is never billed where there are more. */
const maxWaiting = 1024;

/** What a session with `ack=1` was sent and has not acknowledged. A range is billed when its last number is acknowledged. */
export class AcknowledgedRanges {
  readonly #waiting: DeliveredRange[] = [];
  readonly #bill: (range: DeliveredRange) => void;

  constructor(bill: (range: DeliveredRange) => void) {
    this.#bill = bill;
  }

  sent(range: DeliveredRange): void {
    this.#waiting.push(range);
    if (this.#waiting.length > maxWaiting) this.#waiting.shift();
  }

  acknowledged(epoch: number, sequence: number): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (first.epoch > epoch || (first.epoch === epoch && first.to > sequence)) return;
      this.#waiting.shift();
      this.#bill(first);
    }
  }
}
