import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { closeLingering } from '../lifecycle/lingering-close.ts';
import { OpenItems } from '../lifecycle/open-items.ts';

/**
 * What a connection still owes its client. Requests may be sent without waiting for answers, and answers go out in the order
 * of the requests: what is said about the connection itself must wait for them, or the client takes it for the answer to a
 * record that is being stored.
 */
export class Connection {
  readonly #socket: Socket;
  /** Not written out yet. */
  readonly #open = new OpenItems<ServerResponse>();
  #latest: { readonly request: IncomingMessage; readonly response: ServerResponse } | undefined;
  #state: 'serving' | 'ending' | 'closed' = 'serving';

  constructor(socket: Socket) {
    this.#socket = socket;
    // Called by Node's server behind the last answer of a connection, to cut it off.
    socket.destroySoon = () => this.#close('');
  }

  /** False where the connection ends: the request is not served, since nobody could hear its answer. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#state !== 'serving') return false;
    this.#latest = { request, response };
    response.on('close', this.#open.add(response));
    return true;
  }

  /**
   * Ends it with an answer to the request that broke, behind the answers to whole requests before it.
   * A broken request that was answered already (its secret was wrong, say) gets no second answer. False where it ends already.
   */
  breakOff(text: string): boolean {
    if (this.#state !== 'serving') return false;
    this.#state = 'ending';
    const latest = this.#latest;
    const isAnswered = latest !== undefined && !latest.request.complete && latest.response.writableEnded;
    const whole = this.#open.list().filter(({ req }) => req.complete);
    const close = () => this.#close(isAnswered ? '' : text);
    if (whole.length === 0) close();
    else void Promise.all(whole.map((response) => new Promise((resolve) => response.once('close', resolve)))).then(close);
    return true;
  }

  /** Nothing came or went for its time: cut off, unless only its client waits, for a record that is being stored. */
  onQuiet(): void {
    if (this.#open.size === 0 || this.#socket.writableLength > 0) this.#socket.destroy();
  }

  #close(text: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    closeLingering(this.#socket, { text });
  }
}
