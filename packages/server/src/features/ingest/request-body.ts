import type { IncomingMessage } from 'node:http';
import { type ByteBudget, Reservation } from '../../kernel/async/byte-budget.ts';
import { giveBack } from '../../kernel/lifecycle/give-back.ts';
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
export function readBody(request: IncomingMessage, { maxBytes, budget }: ReadBodyOptions): Promise<BodyResult> {
  if (isAnnouncedTooLarge(request, maxBytes)) return Promise.resolve({ type: 'tooLarge' });
  // It may have gone away while the source was looked up: no event would come any more.
  if (request.destroyed) return Promise.resolve({ type: 'aborted' });
  const room = new Reservation(budget);
  if (!room.growTo(Number(request.headers['content-length'] ?? 0))) return Promise.resolve({ type: 'overloaded' });
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    /** The last byte has come. */
    let isWhole = false;
    let isOver = false;
    const end = (result: BodyResult) => {
      if (isOver) return;
      isOver = true;
      if (result.type !== 'body') room.release();
      resolve(result);
    };
    // The listeners stay, also when nothing more is kept: data flow on and are dropped.
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (isOver) return;
      if (bytes > maxBytes) return end({ type: 'tooLarge' });
      if (!room.growTo(bytes)) return end({ type: 'overloaded' });
      chunks.push(chunk);
    });
    request.on('end', () => {
      isWhole = true;
      if (isOver) return;
      const body = joined(chunks, bytes);
      const coding = codingOf(request);
      if (coding === 'identity' || bytes === 0) return end({ type: 'body', body, release: room.release });
      decode(body, { coding, maxBytes, room }).then(end, reject);
    });
    request.on('close', () => {
      if (!isWhole) end({ type: 'aborted' });
    });
    request.on('error', ignore);
  });
}

/** Of several chunks nothing is left. The parser has none of them any more when the end is told. */
function joined(chunks: readonly Buffer[], bytes: number): Buffer {
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  const body = Buffer.concat(chunks, bytes);
  for (const chunk of chunks) giveBack(chunk);
  return body;
}

const ignore = (): void => {};

const codingOf = ({ headers }: IncomingMessage): string => headers['content-encoding']?.trim().toLowerCase() || 'identity';

interface Decode {
  readonly coding: string;
  readonly maxBytes: number;
  readonly room: Reservation;
}

async function decode(body: Buffer, { coding, maxBytes, room }: Decode): Promise<BodyResult> {
  if (!room.growTo(body.length + maxBytes)) return { type: 'overloaded' };
  const decoded = await decodeContent(body, { coding, maxBytes });
  return decoded.type === 'body' ? { ...decoded, release: room.release } : decoded;
}
