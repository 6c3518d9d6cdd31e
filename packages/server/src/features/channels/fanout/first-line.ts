import type { Socket } from 'node:net';

/** `oversize`: no end of line within the bound. `gone`: closed, or its side ended without a byte. */
export type FirstLine =
  | { readonly ok: true; readonly line: Buffer; readonly rest: Buffer; readonly isEnded: boolean }
  | { readonly ok: false; readonly reason: 'oversize' | 'gone' };

const lineFeed = 0x0a;

/**
 * The first line of a connection, without its end; at the end of the stream without one, too.
 * Nothing is read behind it: the socket is paused when it settles. Never rejects; a socket that is destroyed is `gone`.
 */
export function readFirstLine(socket: Socket, maxBytes: number): Promise<FirstLine> {
  return new Promise((resolve) => {
    let read: Buffer = Buffer.alloc(0);
    const settle = (first: FirstLine) => {
      socket.off('data', onData).off('end', onEnd).off('close', onClose);
      socket.pause();
      resolve(first);
    };
    const onData = (chunk: Buffer) => {
      read = read.length === 0 ? chunk : Buffer.concat([read, chunk]);
      const end = read.subarray(0, maxBytes).indexOf(lineFeed);
      if (end >= 0) settle({ ok: true, line: read.subarray(0, end), rest: read.subarray(end + 1), isEnded: false });
      else if (read.length >= maxBytes) settle({ ok: false, reason: 'oversize' });
    };
    const onEnd = () => {
      if (read.length === 0) settle({ ok: false, reason: 'gone' });
      else settle({ ok: true, line: read, rest: Buffer.alloc(0), isEnded: true });
    };
    const onClose = () => settle({ ok: false, reason: 'gone' });
    socket.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
