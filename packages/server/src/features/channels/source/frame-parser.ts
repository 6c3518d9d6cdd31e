import { channelAt, Frame, headerBytes, lengthAt, prefixBytes, sequenceAt } from './frame.ts';

/** Why a stream cannot be read any further: a frame says that its payload is larger than may be, so the place in the stream is lost. */
export type ProtocolFault = 'payloadTooLarge';

interface FrameParserOptions {
  readonly maxPayloadBytes: number;
  /** What each frame begins with; empty where that is not known. With it a parser that has lost its place finds it again. */
  readonly magic: Uint8Array;
  /** The frame and its bytes are lent for the call. */
  readonly onFrame: (frame: Frame) => void;
}

/** High word of the first number that JavaScript cannot tell from the next one. */
const endOfHighWord = 2 ** 21;

/**
 * Frames out of a stream that comes in chunks cut anywhere. Payloads that lie in one chunk are lent from it; only what is cut is copied.
 * Its memory is a header and the largest payload so far.
 */
export class FrameParser {
  readonly #options: FrameParserOptions;
  readonly #frame = new Frame();
  readonly #header = new Uint8Array(headerBytes);
  #headerLength = 0;
  /** A payload that is cut, and how much of it is there. */
  #payload = new Uint8Array(0);
  #payloadLength = 0;
  /** Bytes that are missing of the payload; 0 between frames. */
  #missing = 0;
  #use: 'give' | 'drop' = 'give';
  #sync: 'held' | 'lost' = 'held';
  #fault: ProtocolFault | undefined;
  #prefix = 0;
  #frames = 0;
  #outOfRange = 0;
  #resyncs = 0;
  #skippedBytes = 0;

  constructor(options: FrameParserOptions) {
    this.#options = options;
  }

  /** Whole frames so far, with those out of range. */
  get frames(): number {
    return this.#frames;
  }

  /** Frames that were dropped, because their number is over 2^53-1. */
  get outOfRange(): number {
    return this.#outOfRange;
  }

  /** How often the place in the stream was lost, and the bytes that were passed over to find it. */
  get resyncs(): number {
    return this.#resyncs;
  }

  get skippedBytes(): number {
    return this.#skippedBytes;
  }

  /** Of the newest frame, in hexadecimal. Nobody knows what it means; here it can be learnt. */
  get lastPrefix(): string {
    return this.#prefix.toString(16).padStart(2 * prefixBytes, '0');
  }

  /** After a fault nothing is read any more. */
  push(chunk: Uint8Array, arrivedAt: number): ProtocolFault | undefined {
    this.#frame.arrivedAt = arrivedAt;
    let at = 0;
    while (at < chunk.length && !this.#fault) {
      if (this.#missing > 0) at = this.#takePayload(chunk, at);
      else if (this.#headerLength > 0 || chunk.length - at < headerBytes) at = this.#takeHeader(chunk, at);
      else at = this.#readHeader(chunk, at) ? this.#beginPayload(chunk, at + headerBytes) : at + 1;
    }
    return this.#fault;
  }

  /** A header in pieces. */
  #takeHeader(chunk: Uint8Array, from: number): number {
    const end = Math.min(chunk.length, from + headerBytes - this.#headerLength);
    this.#header.set(chunk.subarray(from, end), this.#headerLength);
    this.#headerLength += end - from;
    if (this.#headerLength < headerBytes) return end;
    if (this.#readHeader(this.#header, 0)) {
      this.#headerLength = 0;
      return this.#beginPayload(chunk, end);
    }
    this.#header.copyWithin(0, 1);
    this.#headerLength -= 1;
    return end;
  }

  /** False: no frame begins here. */
  #readHeader(bytes: Uint8Array, at: number): boolean {
    const { magic, maxPayloadBytes } = this.#options;
    const length = readWord(bytes, at + lengthAt);
    if (!startsWith(bytes, at, magic)) return this.#lose();
    if (length > maxPayloadBytes) {
      if (magic.length > 0) return this.#lose();
      this.#fault = 'payloadTooLarge';
      return false;
    }
    const high = readWord(bytes, at + sequenceAt);
    this.#sync = 'held';
    this.#use = high < endOfHighWord ? 'give' : 'drop';
    this.#frame.sequence = high * 2 ** 32 + readWord(bytes, at + sequenceAt + 4);
    this.#frame.channelId = readWord(bytes, at + channelAt) * 2 ** 16 + byteAt(bytes, at + channelAt + 4) * 256 + byteAt(bytes, at + 10);
    this.#prefix = readWord(bytes, at) * 256 + byteAt(bytes, at + 4);
    this.#missing = length;
    return true;
  }

  #lose(): boolean {
    if (this.#sync === 'held') this.#resyncs += 1;
    this.#sync = 'lost';
    this.#skippedBytes += 1;
    return false;
  }

  #beginPayload(chunk: Uint8Array, at: number): number {
    const length = this.#missing;
    this.#payloadLength = 0;
    if (chunk.length - at < length) {
      if (this.#payload.length < length && this.#use === 'give') this.#payload = new Uint8Array(length);
      return this.#takePayload(chunk, at);
    }
    this.#missing = 0;
    this.#give(chunk, at, length);
    return at + length;
  }

  /** A payload in pieces. */
  #takePayload(chunk: Uint8Array, from: number): number {
    const end = Math.min(chunk.length, from + this.#missing);
    if (this.#use === 'give') this.#payload.set(chunk.subarray(from, end), this.#payloadLength);
    this.#payloadLength += end - from;
    this.#missing -= end - from;
    if (this.#missing === 0) this.#give(this.#payload, 0, this.#payloadLength);
    return end;
  }

  #give(bytes: Uint8Array, start: number, length: number): void {
    this.#frames += 1;
    if (this.#use === 'drop') {
      this.#outOfRange += 1;
      return;
    }
    this.#frame.bytes = bytes;
    this.#frame.start = start;
    this.#frame.end = start + length;
    this.#options.onFrame(this.#frame);
  }
}

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0;

const readWord = (bytes: Uint8Array, at: number): number =>
  byteAt(bytes, at) * 2 ** 24 + ((byteAt(bytes, at + 1) << 16) | (byteAt(bytes, at + 2) << 8) | byteAt(bytes, at + 3));

function startsWith(bytes: Uint8Array, at: number, magic: Uint8Array): boolean {
  for (let index = 0; index < magic.length; index += 1) if (bytes[at + index] !== magic[index]) return false;
  return true;
}
