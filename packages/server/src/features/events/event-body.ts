import type { EventError } from '@sluice/contract/event';
import { type AmountEncoding, encodeEvent } from './encode-event.ts';
import { type Event, type EventContext, maxEventBytes } from './event.ts';
import { ChunkBuilder, type EventChunk, maxChunkEvents } from './event-chunk.ts';
import { endOfValue } from './parsing/end-of-value.ts';
import { isBlank } from './parsing/json-blank.ts';
import { notJson, readEvent } from './parsing/read-event.ts';
import { scanEvent } from './parsing/scan-event.ts';

export interface EventBodyOptions {
  /** `json`: an array of events, or one event; `lines`: an event on each line that is not blank. */
  readonly form: 'json' | 'lines';
  readonly context: EventContext;
  readonly encoding: AmountEncoding;
  /** Lines are taken as they are, valid or not. */
  readonly passthrough: boolean;
  readonly maxEvents: number;
}

export type EventBody =
  | {
      readonly type: 'events';
      /** At most 10,000 values in each. */
      readonly chunks: readonly EventChunk[];
      readonly accepted: number;
      readonly rejected: number;
      /** The first ones. */
      readonly errors: readonly EventError[];
    }
  /** The body is no list of events; nothing of it may be used. */
  | { readonly type: 'malformed'; readonly reason: string }
  | { readonly type: 'tooMany' };

/** Refused events that are named; all are counted. */
const maxErrors = 100;
/** Where the events of a body may end: any event that begins earlier in what has come is whole. */
const lookBytes = 2 * maxEventBytes;

/**
 * Reads a request's body as it comes. An event is looked at only once as many bytes behind its start have come as the largest event has,
 * or the body has ended, so a fault in it is a fault and never a lack of bytes.
 *
 *     json:   start --[--> first --event--> behind --,--> next --event--> behind --]--> done
 *             start --event or null--> done
 *     lines:  start --line--> start
 */
export class EventBodyParser {
  readonly #options: EventBodyOptions;
  readonly #chunks: EventChunk[] = [];
  readonly #errors: EventError[] = [];
  #builder = new ChunkBuilder();
  /** Came, and not read yet. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #chunkBytes = 0;
  #state: 'start' | 'first' | 'behind' | 'next' | 'done' = 'start';
  #count = 0;
  #rejected = 0;
  #fault: Exclude<EventBody, { type: 'events' }> | undefined;

  constructor(options: EventBodyOptions) {
    this.#options = options;
  }

  /** Memory that it holds. */
  get heldBytes(): number {
    return this.#waitingBytes + this.#chunkBytes + this.#builder.heldBytes;
  }

  /** False: the rest of the body changes nothing any more. */
  push(bytes: Buffer): boolean {
    if (this.#fault) return false;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= lookBytes) this.#read(false);
    return this.#fault === undefined;
  }

  end(): EventBody {
    if (!this.#fault) this.#read(true);
    if (!this.#fault && this.#options.form === 'json' && this.#state !== 'done')
      this.#malformed(this.#state === 'start' ? 'EOF' : 'unexpected EOF');
    if (this.#fault) return this.#fault;
    this.#endChunk();
    const rejected = this.#rejected;
    return { type: 'events', chunks: this.#chunks, accepted: this.#count - rejected, rejected, errors: this.#errors };
  }

  #read(isWhole: boolean): void {
    const [first] = this.#waiting;
    const bytes = first && this.#waiting.length === 1 ? first : Buffer.concat(this.#waiting, this.#waitingBytes);
    const limit = isWhole ? bytes.length : bytes.length - maxEventBytes;
    const read = this.#options.form === 'json' ? this.#readJson(bytes, limit) : this.#readLines(bytes, { limit, isWhole });
    const rest = this.#fault ? [] : [bytes.subarray(read)];
    this.#waiting = rest;
    this.#waitingBytes = rest[0]?.length ?? 0;
  }

  /** Reads what begins before the limit; returns where it stopped. */
  #readJson(bytes: Buffer, limit: number): number {
    let at = 0;
    while (this.#fault === undefined) {
      while (isBlank(bytes[at])) at += 1;
      if (at >= limit) break;
      const byte = bytes[at];
      switch (this.#state) {
        case 'start':
          if (byte === openArray) {
            this.#state = 'first';
            at += 1;
          } else {
            this.#state = 'done';
            at = this.#readAlone(bytes, at);
          }
          break;
        case 'first':
          if (byte === closeArray) {
            this.#state = 'done';
            at += 1;
            break;
          }
          this.#state = 'behind';
          at = this.#readItem(bytes, at);
          break;
        case 'next':
          this.#state = 'behind';
          at = this.#readItem(bytes, at);
          break;
        case 'behind':
          if (byte !== comma && byte !== closeArray) this.#malformed('expected a comma or ] behind an event');
          this.#state = byte === comma ? 'next' : 'done';
          at += 1;
          break;
        case 'done':
          this.#malformed('unexpected data behind the events');
          break;
      }
    }
    return at;
  }

  /** A body that is no array. */
  #readAlone(bytes: Buffer, at: number): number {
    if (bytes[at] === openObject) return this.#readItem(bytes, at);
    const end = endOfValue(bytes, at);
    if (end === -1) this.#malformed('unexpected EOF');
    else if (bytes.toString('latin1', at, end) !== 'null') this.#malformed('the body must be an array of events, or one event');
    return end;
  }

  #readItem(bytes: Buffer, at: number): number {
    const scanned = scanEvent(bytes, { at, end: bytes.length }, this.#options.context);
    const end = scanned?.end ?? endOfValue(bytes, at);
    if (end === -1 || end - at > maxEventBytes) {
      this.#malformed(bytes.length - at > maxEventBytes ? tooLong(this.#count) : 'unexpected EOF');
      return at;
    }
    if (scanned) this.#accept(scanned.event);
    else this.#judge(bytes.subarray(at, end), { isLine: false });
    return end;
  }

  #readLines(bytes: Buffer, { limit, isWhole }: { limit: number; isWhole: boolean }): number {
    let at = 0;
    while (this.#fault === undefined && at < limit) {
      const newline = bytes.indexOf(lineFeed, at);
      if (newline === -1 && !isWhole) {
        if (bytes.length - at > maxEventBytes) this.#malformed(tooLong(this.#count));
        break;
      }
      const end = newline === -1 ? bytes.length : newline;
      if (end - at > maxEventBytes) this.#malformed(tooLong(this.#count));
      else this.#readLine(bytes, { at, end });
      at = end + 1;
    }
    return Math.min(at, bytes.length);
  }

  #readLine(bytes: Buffer, stretch: { readonly at: number; readonly end: number }): void {
    let { at, end } = stretch;
    while (at < end && (bytes[at] ?? 0) <= blank) at += 1;
    while (end > at && (bytes[end - 1] ?? 0) <= blank) end -= 1;
    if (at === end) return;
    if (this.#options.passthrough) {
      if (!this.#take()) return;
      this.#builder.addBytes(bytes.subarray(at, end), this.#count - 1);
      this.#rotate();
      return;
    }
    const scanned = scanEvent(bytes, { at, end }, this.#options.context);
    if (scanned?.end === end) this.#accept(scanned.event);
    else this.#judge(bytes.subarray(at, end), { isLine: true });
  }

  /** What is not valid JSON spoils an array, but only its own line. */
  #judge(bytes: Buffer, { isLine }: { readonly isLine: boolean }): void {
    const result = readEvent(bytes, this.#options.context);
    if (result.ok) this.#accept(result.value);
    else if (result.reason === notJson && !isLine) this.#malformed(`event ${this.#count} is ${notJson}`);
    else this.#reject(result.reason);
  }

  #accept(event: Event): void {
    if (!this.#take()) return;
    this.#builder.addText(encodeEvent(event, this.#options.encoding), this.#count - 1);
    this.#rotate();
  }

  #reject(reason: string): void {
    if (!this.#take()) return;
    this.#rejected += 1;
    if (this.#errors.length < maxErrors) this.#errors.push({ index: this.#count - 1, reason });
  }

  #take(): boolean {
    if (this.#count === this.#options.maxEvents) {
      this.#fault = { type: 'tooMany' };
      return false;
    }
    this.#count += 1;
    return true;
  }

  #malformed(reason: string): void {
    this.#fault ??= { type: 'malformed', reason };
  }

  #rotate(): void {
    if (this.#builder.count === maxChunkEvents) this.#endChunk();
  }

  #endChunk(): void {
    if (this.#builder.count === 0) return;
    this.#chunkBytes += this.#builder.heldBytes;
    this.#chunks.push(this.#builder.build());
    this.#builder = new ChunkBuilder();
  }
}

const tooLong = (index: number): string => `event ${index} is larger than ${maxEventBytes} bytes`;

const lineFeed = 0x0a;
const blank = 0x20;
const comma = 0x2c;
const openArray = 0x5b;
const closeArray = 0x5d;
const openObject = 0x7b;
