import type { IncomingMessage } from 'node:http';

/** Bytes of a body that count: the original read a line into a buffer of this size. */
const maxLineBytes = 4096;

/** The first line of the body without its end, of at most 4096 bytes; what follows is not kept. Undefined where the client is gone. */
export function readFirstLine(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const done = (line: Buffer | undefined): void => {
      request.off('data', onData);
      request.resume();
      resolve(line);
    };
    const onData = (piece: Buffer): void => {
      const end = piece.indexOf(0x0a);
      pieces.push(end < 0 ? piece : piece.subarray(0, end));
      length += end < 0 ? piece.length : end;
      if (end >= 0 || length >= maxLineBytes) done(lineOf(pieces));
    };
    request.on('data', onData);
    request.once('end', () => done(lineOf(pieces)));
    request.once('close', () => done(undefined));
    request.once('error', () => done(undefined));
  });
}

function lineOf(pieces: readonly Buffer[]): Buffer {
  const line = Buffer.concat(pieces).subarray(0, maxLineBytes);
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
}
