import type { Socket } from 'node:net';
import { AppError, errorText } from '../errors/app-error.ts';

/** Of everything behind the length; a peer that announces more is cut off. */
export const maxFrameBytes = 4 * 1024 * 1024;
/** Unwritten bytes at which a connection takes no more questions. */
export const maxUnwrittenBytes = 64 * 1024 * 1024;
const lengthBytes = 4;

export interface Frame {
  /** JSON. */
  readonly head: unknown;
  readonly bytes: Buffer;
}

/** Cuts a stream into frames: `u32 length, content`, big endian. */
export class FrameReader {
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #length: number | undefined;
  /** Of the frames to come. */
  maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The contents that are whole now. `badRequest` where a frame is longer than allowed, before any of it is kept. */
  *take(chunk: Buffer): Generator<Buffer, void, undefined> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      if (this.#length === undefined) {
        if (this.#size < lengthBytes) return;
        this.#length = this.#cut(lengthBytes).readUInt32BE();
        if (this.#length > this.maxBytes)
          throw new AppError('badRequest', `A frame of ${this.#length} bytes came; ${this.maxBytes} are allowed.`);
      }
      if (this.#size < this.#length) return;
      const content = this.#cut(this.#length);
      this.#length = undefined;
      yield content;
    }
  }

  #cut(length: number): Buffer {
    const [first] = this.#chunks;
    const all = first !== undefined && first.length >= length ? first : Buffer.concat(this.#chunks.splice(0));
    if (all === first) this.#chunks.shift();
    if (all.length > length) this.#chunks.unshift(all.subarray(length));
    this.#size -= length;
    return all.subarray(0, length);
  }
}

/** Content of a frame: `u32 length of the head, head, bytes`. `badRequest` where it is none. */
export function decodeFrame(content: Buffer): Frame {
  try {
    const headEnd = lengthBytes + content.readUInt32BE();
    if (headEnd > content.length) throw new RangeError('the head leads beyond the frame');
    return { head: JSON.parse(content.toString('utf8', lengthBytes, headEnd)), bytes: content.subarray(headEnd) };
  } catch (error) {
    throw new AppError('badRequest', `A frame cannot be read: ${errorText(error)}.`, { cause: error });
  }
}

/** A frame for the socket, in pieces that are written together. `invariantBroken` where it is over `maxFrameBytes`. */
function encodeFrame(head: unknown, bytes: Uint8Array): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(head));
  const length = lengthBytes + text.length + bytes.length;
  if (length > maxFrameBytes) throw new AppError('invariantBroken', `A frame of ${length} bytes is over the limit of ${maxFrameBytes}.`);
  const lengths = Buffer.allocUnsafe(2 * lengthBytes);
  lengths.writeUInt32BE(length);
  lengths.writeUInt32BE(text.length, lengthBytes);
  return bytes.length > 0 ? [lengths, text, bytes] : [lengths, text];
}

export function sendFrame(socket: Socket, head: unknown, bytes: Uint8Array = Buffer.alloc(0)): void {
  sendPieces(socket, encodeFrame(head, bytes));
}

/** The first frame of a client, which has no head: nothing of it is decoded. */
export function sendToken(socket: Socket, token: string): void {
  const content = Buffer.from(token);
  const length = Buffer.allocUnsafe(lengthBytes);
  length.writeUInt32BE(content.length);
  sendPieces(socket, [length, content]);
}

function sendPieces(socket: Socket, pieces: readonly Uint8Array[]): void {
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}
