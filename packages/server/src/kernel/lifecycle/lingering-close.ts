import type { Socket } from 'node:net';
import { backgroundTimer, type StartTimer } from '../time/start-timer.ts';

/** How long a client may go on sending after its last answer before it is cut off. */
const lingerMs = 2000;

/**
 * Ends the connection so that the client can read the last answer, `text` if given, although it is still sending: a socket
 * that is closed with unread bytes in it resets the connection, and the answer is lost. What comes is dropped meanwhile.
 */
export function closeLingering(socket: Socket, { text = '', startTimer = backgroundTimer }: LingerOptions = {}): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const cancel = startTimer(lingerMs, () => socket.destroy());
  socket.once('close', cancel);
  socket.end(text);
  socket.resume();
}

interface LingerOptions {
  readonly text?: string;
  readonly startTimer?: StartTimer;
}
