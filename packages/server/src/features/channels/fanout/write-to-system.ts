import type { Socket } from 'node:net';

const nothing = Buffer.alloc(0);

/**
 * Writes to a TCP socket without TLS. `onWritten` is called once: within the call where the system takes all bytes at once, as it mostly
 * does, else when it has taken them, or with the error. A callback that is given to every write costs a tenth of the CPU time of a short
 * write: each one is queued for a later tick.
 */
export function writeToSystem(socket: Socket, bytes: Uint8Array, onWritten: ((error?: Error | null) => void) | undefined): void {
  socket.write(bytes);
  if (onWritten === undefined) return;
  if (socket.writableLength === 0 && socket.writable && socket.errored === null) onWritten();
  else socket.write(nothing, onWritten);
}
