import type { IncomingMessage } from 'node:http';
import type { ByteBudget } from './byte-budget.ts';

export type BodyResult =
  | { readonly type: 'body'; readonly body: Buffer; readonly release: () => void }
  | { readonly type: 'tooLarge' }
  /** The node holds as many bodies as it may. */
  | { readonly type: 'overloaded' }
  /** The client went away, or did not finish in time. */
  | { readonly type: 'aborted' };

interface ReadBodyOptions {
  readonly maxBytes: number;
  readonly budget: ByteBudget;
}

/**
 * Reads a request's body whole. The limit is judged by Content-Length before the first byte, and again while bytes come.
 * `release` gives the memory back once the record is answered.
 */
export function readBody(request: IncomingMessage, { maxBytes, budget }: ReadBodyOptions): Promise<BodyResult> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) return Promise.resolve({ type: 'tooLarge' });
  const { promise, resolve } = Promise.withResolvers<BodyResult>();
  const chunks: Buffer[] = [];
  let reserved = 0;
  let received = 0;
  const release = () => budget.release(reserved, 0);
  const end = (result: BodyResult) => {
    request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    if (result.type !== 'body') release();
    resolve(result);
  };
  const reserve = (bytes: number): boolean => {
    if (bytes <= reserved) return true;
    if (!budget.reserve(bytes - reserved, 0)) return false;
    reserved = bytes;
    return true;
  };
  const onData = (chunk: Buffer) => {
    received += chunk.length;
    if (received > maxBytes) return end({ type: 'tooLarge' });
    if (!reserve(received)) return end({ type: 'overloaded' });
    chunks.push(chunk);
  };
  const onEnd = () => end({ type: 'body', body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, received), release });
  const onClose = () => end({ type: 'aborted' });
  if (!reserve(announced)) return Promise.resolve({ type: 'overloaded' });
  request.on('data', onData).once('end', onEnd).once('close', onClose).once('error', onClose);
  return promise;
}
