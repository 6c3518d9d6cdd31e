import type { IncomingMessage } from 'node:http';
import type { ByteBudget } from './byte-budget.ts';
import { decodeContent } from './content-encoding.ts';

export type BodyResult =
  /** `release` gives the memory back once the record is answered. */
  | { readonly type: 'body'; readonly body: Buffer; readonly release: () => void }
  | { readonly type: 'tooLarge' }
  /** The node holds as many bodies as it may. */
  | { readonly type: 'overloaded' }
  /** The content coding is unknown here, or its data are broken; lower case, no full stop. */
  | { readonly type: 'undecodable'; readonly code: 'badRequest' | 'unsupportedMediaType'; readonly reason: string }
  /** The client went away, or did not finish in time. */
  | { readonly type: 'aborted' };

interface ReadBodyOptions {
  /** Of the body as it is stored: a compressed one counts twice, as it comes and unpacked. */
  readonly maxBytes: number;
  readonly budget: ByteBudget;
}

/** The Content-Length is over the limit, so that not even `100 Continue` need be said. */
export const isAnnouncedTooLarge = ({ headers }: IncomingMessage, maxBytes: number): boolean =>
  Number(headers['content-length'] ?? 0) > maxBytes;

/** Reads a request's body whole and undoes its content coding. The limits are judged by Content-Length before the first byte, and again while bytes come. */
export async function readBody(request: IncomingMessage, { maxBytes, budget }: ReadBodyOptions): Promise<BodyResult> {
  if (isAnnouncedTooLarge(request, maxBytes)) return { type: 'tooLarge' };
  const room = new Room(budget);
  const received = await receive(request, { maxBytes, room });
  const result = received.type === 'body' ? await decode(request, { body: received.body, maxBytes, room }) : received;
  if (result.type !== 'body') room.release();
  return result;
}

/** What one request has reserved of the budget. */
class Room {
  readonly #budget: ByteBudget;
  #reserved = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  growTo(bytes: number): boolean {
    if (bytes <= this.#reserved) return true;
    if (!this.#budget.reserve(bytes - this.#reserved, 0)) return false;
    this.#reserved = bytes;
    return true;
  }

  readonly release = (): void => {
    this.#budget.release(this.#reserved, 0);
    this.#reserved = 0;
  };
}

interface Receive {
  readonly maxBytes: number;
  readonly room: Room;
}

type Received = { readonly type: 'body'; readonly body: Buffer } | { readonly type: 'tooLarge' | 'overloaded' | 'aborted' };

function receive(request: IncomingMessage, { maxBytes, room }: Receive): Promise<Received> {
  // It may have gone away while the source was looked up: no event would come any more.
  if (request.destroyed) return Promise.resolve({ type: 'aborted' });
  if (!room.growTo(Number(request.headers['content-length'] ?? 0))) return Promise.resolve({ type: 'overloaded' });
  const { promise, resolve } = Promise.withResolvers<Received>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const end = (result: Received) => {
    // Without a listener for it, data flow on and are dropped.
    request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    resolve(result);
  };
  const onData = (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) return end({ type: 'tooLarge' });
    if (!room.growTo(bytes)) return end({ type: 'overloaded' });
    chunks.push(chunk);
  };
  const onEnd = () => end({ type: 'body', body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, bytes) });
  const onClose = () => end({ type: 'aborted' });
  request.on('data', onData).once('end', onEnd).once('close', onClose).once('error', onClose);
  return promise;
}

async function decode(request: IncomingMessage, { body, maxBytes, room }: Receive & { readonly body: Buffer }): Promise<BodyResult> {
  const coding = request.headers['content-encoding']?.trim().toLowerCase() ?? '';
  if (coding === '' || coding === 'identity' || body.length === 0) return { type: 'body', body, release: room.release };
  if (!room.growTo(body.length + maxBytes)) return { type: 'overloaded' };
  const decoded = await decodeContent(body, { coding, maxBytes });
  return decoded.type === 'body' ? { ...decoded, release: room.release } : decoded;
}
