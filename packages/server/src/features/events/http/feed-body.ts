import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { errorText } from '../../../kernel/errors/app-error.ts';

export type FeedEnd =
  /** The whole body was taken. */
  | { readonly type: 'ended' }
  /** Whoever takes it has heard enough, or has no room. */
  | { readonly type: 'enough' | 'overloaded' }
  | { readonly type: 'tooLarge' }
  /** The content coding is unknown here, or its data are broken; lower case, no full stop. */
  | { readonly type: 'undecodable'; readonly code: 'badRequest' | 'unsupportedMediaType'; readonly reason: string }
  /** The client went away, or did not finish in time. */
  | { readonly type: 'aborted' };

interface FeedOptions {
  /** As the body comes, and unpacked. */
  readonly maxBytes: number;
  readonly take: (bytes: Buffer) => 'more' | 'enough' | 'overloaded';
}

/** Gives a request's body away piece by piece, without its content coding. What comes behind an early end is dropped. */
export function feedBody(request: IncomingMessage, { maxBytes, take }: FeedOptions): Promise<FeedEnd> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve({ type: 'tooLarge' });
  // It may have gone away before: no event would come any more.
  if (request.destroyed) return Promise.resolve({ type: 'aborted' });
  const coding = request.headers['content-encoding']?.trim().toLowerCase() || 'identity';
  if (coding !== 'identity' && coding !== 'gzip' && coding !== 'x-gzip') {
    const reason = `unsupported content encoding "${coding}", supported: gzip`;
    return Promise.resolve({ type: 'undecodable', code: 'unsupportedMediaType', reason });
  }
  return new Promise((resolve) => {
    const unzip = coding === 'identity' ? undefined : createGunzip();
    let bytes = 0;
    let isOver = false;
    const end = (result: FeedEnd) => {
      if (isOver) return;
      isOver = true;
      if (unzip) {
        request.unpipe(unzip);
        unzip.destroy();
        request.resume();
      }
      resolve(result);
    };
    // The listeners stay, also when nothing more is taken: data flow on and are dropped.
    const source = unzip ?? request;
    source.on('data', (piece: Buffer) => {
      if (isOver) return;
      bytes += piece.length;
      const next = bytes > maxBytes ? 'tooLarge' : take(piece);
      if (next !== 'more') end({ type: next });
    });
    source.on('end', () => end({ type: 'ended' }));
    unzip?.on('error', (error) =>
      end({ type: 'undecodable', code: 'badRequest', reason: `the body is not valid gzip: ${errorText(error)}` }),
    );
    request.on('close', () => {
      if (!request.complete) end({ type: 'aborted' });
    });
    request.on('error', () => {});
    if (unzip) request.pipe(unzip);
  });
}
