import { EventEmitter } from 'node:events';
import { type LiveBucket, liveBucketSchema } from '@sluice/contract/event-series';
import type { StreamSink } from '../../src/features/events/aggregate/stream-client.ts';

/** A connection to a client of a stream; what is written waits until the client takes it. */
export class TestSink extends EventEmitter<{ drain: []; close: [] }> implements StreamSink {
  readonly #room: number;
  waiting = '';
  #isFull = false;
  state: 'open' | 'ended' | 'destroyed' = 'open';

  constructor(room = Number.POSITIVE_INFINITY) {
    super();
    this.#room = room;
  }

  write(text: string): boolean {
    if (this.state !== 'open') throw new Error(`written behind the end: ${text}`);
    this.waiting += text;
    this.#isFull ||= this.waiting.length >= this.#room;
    return !this.#isFull;
  }

  end(): void {
    this.state = 'ended';
  }

  destroy(): void {
    this.state = 'destroyed';
  }

  /** What waits, or the first part of it; the rest stays. */
  take(length = this.waiting.length): string {
    const taken = this.waiting.slice(0, length);
    this.waiting = this.waiting.slice(length);
    if (this.#isFull && this.waiting === '') {
      this.#isFull = false;
      this.emit('drain');
    }
    return taken;
  }
}

/** What an `EventSource` does with a stream, and a page with its buckets. */
export class StreamReader {
  /** By `type:time`. */
  readonly buckets = new Map<string, LiveBucket>();
  readonly statuses: unknown[] = [];
  lastEventId: string | undefined;
  /** Buckets that came. */
  events = 0;
  #rest = '';

  read(text: string): void {
    const parts = (this.#rest + text).split('\n\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.#event(part);
  }

  /** Events that are not whole are dropped. */
  disconnected(): void {
    this.#rest = '';
  }

  #event(text: string): void {
    const fields = new Map(text.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
    const data = fields.get('data');
    if (data === undefined) return;
    this.lastEventId = fields.get('id') ?? this.lastEventId;
    if (fields.get('event') === 'status') {
      this.statuses.push(JSON.parse(data));
      return;
    }
    const bucket = liveBucketSchema.parse(JSON.parse(data));
    this.buckets.set(`${bucket.type}:${bucket.time}`, bucket);
    this.events += 1;
  }
}
