import type { StreamFrame } from '../fanout/stream-frame.ts';

/** What a viewer with `frame=v1` has, over all its connections. */
export interface OrderCounts {
  readonly packets: number;
  readonly bytes: number;
  /** Numbers that were told as gaps. */
  readonly missed: number;
  readonly epochs: number;
  /** Frames that came where they must not: a number twice, or one passed over without a word. */
  readonly disorder: number;
}

/** Follows the numbers of a channel: every one comes once, as a packet or in a gap. */
export class FramedOrder {
  #epoch = 0;
  #next = 0;
  #packets = 0;
  #bytes = 0;
  #missed = 0;
  #epochs = 0;
  #disorder = 0;

  get counts(): OrderCounts {
    return { packets: this.#packets, bytes: this.#bytes, missed: this.#missed, epochs: this.#epochs, disorder: this.#disorder };
  }

  /** For `from=`: where to go on; undefined before the first epoch. */
  get position(): string | undefined {
    return this.#epoch === 0 ? undefined : `${this.#epoch}:${this.#next}`;
  }

  /** True: a payload that was not there before. */
  take(frame: StreamFrame): boolean {
    switch (frame.type) {
      case 'hello':
        if (frame.epoch === this.#epoch && frame.next < this.#next) this.#disorder += 1;
        this.#begin(frame);
        return false;
      case 'epoch':
        if (frame.epoch <= this.#epoch) this.#disorder += 1;
        this.#epochs += 1;
        this.#begin(frame);
        return false;
      case 'gap':
        if (frame.epoch !== this.#epoch || frame.from !== this.#next || frame.to < frame.from) this.#disorder += 1;
        this.#missed += Math.max(0, frame.to - frame.from + 1);
        this.#next = Math.max(this.#next, frame.to + 1);
        return false;
      case 'data': {
        const isNew = frame.epoch !== this.#epoch || frame.sequence >= this.#next;
        if (frame.epoch !== this.#epoch || frame.sequence !== this.#next) this.#disorder += 1;
        if (!isNew) return false;
        this.#packets += 1;
        this.#bytes += frame.payload.length;
        this.#next = frame.sequence + 1;
        return true;
      }
      case 'bye':
        return false;
    }
  }

  #begin({ epoch, next }: { readonly epoch: number; readonly next: number }): void {
    this.#epoch = epoch;
    this.#next = next;
  }
}
