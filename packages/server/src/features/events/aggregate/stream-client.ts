import type { SeriesType } from '@sluice/contract/event-series';
import type { LiveBuckets } from './live-buckets.ts';

/** Where a stream is written to: an answer of HTTP. */
export interface StreamSink {
  /** False: nothing more should be written until it drains. */
  write(text: string): boolean;
  end(): void;
  destroy(): void;
  on(event: 'drain' | 'close', listener: () => void): unknown;
}

interface StreamClientOptions {
  readonly sink: StreamSink;
  readonly types: readonly SeriesType[];
  readonly live: LiveBuckets;
  /** Revision up to which the client has every event. */
  readonly after: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Events are written in pieces of about this size; so a client holds no more than one of them, and what its socket takes. */
const pieceLength = 16 * 1024;

/**
 * One client of a stream. It has no queue: it knows up to which revision it was sent everything, and takes what is newer from the
 * shared buckets when its connection has room. A slow client skips states that are over, never a bucket.
 */
export class StreamClient {
  readonly #options: StreamClientOptions;
  #sent: number;
  #sentStatus = 0;
  #blockedSince: number | undefined;
  #state: 'open' | 'over' = 'open';

  constructor(options: StreamClientOptions) {
    this.#options = options;
    this.#sent = options.after;
    options.sink.on('close', () => {
      this.#state = 'over';
    });
    options.sink.on('drain', () => {
      this.#blockedSince = undefined;
      this.push();
    });
    this.#write('retry: 1000\n\n');
    this.push();
  }

  /** Sends what is new. */
  push(): void {
    const { live, types } = this.#options;
    const { status } = live;
    if (this.#canWrite && status.rev !== this.#sentStatus) {
      this.#sentStatus = status.rev;
      this.#write(status.text);
    }
    let piece = '';
    for (const { type, rev, text } of this.#canWrite ? live.since(this.#sent) : []) {
      if (types.includes(type)) piece += text;
      this.#sent = rev;
      if (piece.length < pieceLength) continue;
      this.#write(piece);
      piece = '';
      if (!this.#canWrite) return;
    }
    if (piece !== '') this.#write(piece);
  }

  /** A line that clients ignore, so that nobody between takes the connection for dead. */
  heartbeat(): void {
    if (this.#canWrite) this.#write(':\n\n');
  }

  /** How long the client has taken nothing of what is written, milliseconds. */
  get blockedMs(): number {
    return this.#blockedSince === undefined ? 0 : this.#options.now() - this.#blockedSince;
  }

  end(): void {
    this.#state = 'over';
    this.#options.sink.end();
  }

  destroy(): void {
    this.#state = 'over';
    this.#options.sink.destroy();
  }

  get #canWrite(): boolean {
    return this.#state === 'open' && this.#blockedSince === undefined;
  }

  #write(text: string): void {
    if (!this.#options.sink.write(text)) this.#blockedSince ??= this.#options.now();
  }
}
