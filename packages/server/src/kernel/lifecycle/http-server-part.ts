import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Server as TlsServer } from 'node:tls';
import { sleep } from '../async/sleep.ts';
import type { HostPort } from '../codec/host-port.ts';
import { systemTimer } from '../time/start-timer.ts';
import { listen } from './listen.ts';
import { OpenItems } from './open-items.ts';
import type { Part } from './part.ts';

interface HttpServerPartOptions {
  readonly name: string;
  readonly server: Server;
  /** A TCP address, or the path of a Unix socket. */
  readonly at: HostPort | string;
}

interface ListeningServer {
  readonly name: string;
  readonly server: Server;
  readonly address: HostPort;
}

/** Listens, and gives the server as a part of the process. `portUnavailable` where the address cannot be had. */
export async function openHttpServerPart({ name, server, at }: HttpServerPartOptions): Promise<HttpServerPart> {
  const address = await listen(server, { at, name });
  return new HttpServerPart({ name, server, address });
}

/** How long a client whose last answer did not announce the end may take to send its next request: a round trip across the world, twice. */
const quietMs = 500;
/** How often a drain looks at clients that hold it up. An answer of which nothing is taken between two looks is not waited for. */
const maxLookMs = 2000;
/** Looks during which a request may still arrive: at most half of the time for the drain. */
const patientLooks = 4;
/** Turns of the event loop in which connections that wait in the kernel are still taken. */
const maxAcceptTurns = 50;
/** Without a new connection; the first of them may end before the loop has looked for one. */
const quietTurns = 3;

/**
 * An HTTP server that answers every request it took before it stops.
 * The listener closes first, after turns of the event loop without a new connection; only then answers carry `Connection: close`:
 * a client that moved on before would wait in the kernel for a listener that closes, and be reset.
 * Requests that are on their way at that moment are taken: the drain ends only after a quiet moment on connections whose end was not announced.
 *
 * Not by `server.close()`: it destroys connections whose answer is ended but not yet written out.
 */
class HttpServerPart implements Part {
  readonly name: string;
  /** The real address, also where port 0 was asked for. */
  readonly address: HostPort;
  readonly #server: Server;
  /** Answers that are not written out yet. */
  readonly #open = new OpenItems<ServerResponse>();
  readonly #ended = Promise.withResolvers<void>();
  #state: 'accepting' | 'stopping' = 'accepting';
  /** Answers of a connection go out in the order of its requests; what announces the end must be the last one. */
  readonly #latest = new WeakMap<Socket, ServerResponse>();
  /** Connections whose end was announced: no further request comes there. */
  readonly #told = new WeakSet<Socket>();
  /** When a connection was opened, or an answer written out that did not announce the end; by `performance.now()`. */
  #lastActiveMs = Number.NEGATIVE_INFINITY;
  #connections = 0;
  /** Of a TLS server: those that are not secure yet are no connections of HTTP, and nothing else would close them. */
  readonly #raw = new Set<Socket>();
  #whenEmpty: (() => void) | undefined;

  constructor({ name, server, address }: ListeningServer) {
    this.name = name;
    this.address = address;
    this.#server = server;
    // An error may come before the part is run.
    this.#ended.promise.catch(() => {});
    server.prependListener('request', (_request, response) => this.#onRequest(response));
    server.on('connection', (socket) => {
      this.#connections += 1;
      this.#lastActiveMs = performance.now();
      if (server instanceof TlsServer) this.#keepRaw(socket);
    });
    server.on('error', (error) => this.#ended.reject(error));
    server.once('close', () => this.#ended.resolve());
  }

  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => {
      this.#server.close();
      this.#server.closeAllConnections();
      for (const socket of this.#raw) socket.destroy();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    await this.#ended.promise;
  }

  async stopAccepting(): Promise<void> {
    await this.#takeWaiting();
    NetServer.prototype.close.call(this.#server);
    this.#state = 'stopping';
    for (const response of this.#open.list()) if (this.#latest.get(response.req.socket) === response) this.#announceEnd(response);
  }

  /**
   * Settles when no answer is outstanding and no connection is waited for; what is idle then is closed.
   * A request that does not arrive whole, and an answer that its client does not take, are given up within half of the time.
   */
  async drain(timeoutMs: number): Promise<void> {
    const lookMs = Math.min(maxLookMs, timeoutMs / 8);
    for (;;) {
      await this.#untilAnswered(lookMs);
      const leftMs = this.#lastActiveMs + Math.min(quietMs, timeoutMs / 8) - performance.now();
      if (leftMs <= 0) break;
      await sleep(leftMs);
    }
    this.#server.closeAllConnections();
  }

  /** Clients that do not do their part are cut off, so that one of them cannot use up the time of everything behind this server. */
  async #untilAnswered(lookMs: number): Promise<void> {
    let unread = new Map<Socket, number>();
    for (let look = 1; this.#open.size > 0; look += 1) {
      if (await this.#isEmptyWithin(lookMs)) return;
      const before = unread;
      unread = new Map();
      for (const { req, socket, writableEnded } of this.#open.list()) {
        const waiting = writableEnded ? (socket?.writableLength ?? 0) : 0;
        const isDeaf = waiting > 0 && before.get(req.socket) === waiting;
        if (isDeaf || (!req.complete && look >= patientLooks)) req.socket.destroy();
        else if (waiting > 0) unread.set(req.socket, waiting);
      }
    }
  }

  #isEmptyWithin(delayMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = systemTimer(delayMs, () => resolve(false));
      this.#whenEmpty = () => {
        cancel();
        resolve(true);
      };
    });
  }

  #onRequest(response: ServerResponse): void {
    const { socket } = response.req;
    const before = this.#latest.get(socket);
    const remove = this.#open.add(response);
    this.#latest.set(socket, response);
    if (this.#state === 'stopping') {
      if (before && !before.headersSent) before.removeHeader('Connection');
      this.#announceEnd(response);
    }
    response.on('close', () => {
      remove();
      if (!this.#told.has(socket)) this.#lastActiveMs = performance.now();
      if (this.#open.size === 0) this.#whenEmpty?.();
    });
  }

  #announceEnd(response: ServerResponse): void {
    if (response.headersSent) return;
    response.setHeader('Connection', 'close');
    this.#told.add(response.req.socket);
  }

  #keepRaw(socket: Socket): void {
    this.#raw.add(socket);
    socket.once('close', () => this.#raw.delete(socket));
  }

  async #takeWaiting(): Promise<void> {
    let idleTurns = 0;
    for (let turn = 0; turn < maxAcceptTurns && idleTurns < quietTurns; turn += 1) {
      const before = this.#connections;
      await nextTurn();
      idleTurns = this.#connections === before ? idleTurns + 1 : 0;
    }
  }
}
