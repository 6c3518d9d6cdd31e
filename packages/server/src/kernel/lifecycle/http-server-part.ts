import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { HostPort } from '../codec/host-port.ts';
import { listen } from './listen.ts';
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

/**
 * An HTTP server that answers every request it took before it stops.
 * Once it stops accepting, answers carry `Connection: close`, so that clients move on without a reset.
 *
 * Not by `server.close()`: it destroys connections whose answer is ended but not yet written out.
 */
class HttpServerPart implements Part {
  readonly name: string;
  /** The real address, also where port 0 was asked for. */
  readonly address: HostPort;
  readonly #server: Server;
  /** Answers that are not written out yet. */
  readonly #open = new Set<ServerResponse>();
  readonly #drained = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #state: 'accepting' | 'stopping' = 'accepting';

  constructor({ name, server, address }: ListeningServer) {
    this.name = name;
    this.address = address;
    this.#server = server;
    // An error may come before the part is run.
    this.#ended.promise.catch(() => {});
    server.prependListener('request', (_request, response) => this.#onRequest(response));
    server.on('error', (error) => this.#ended.reject(error));
    server.once('close', () => this.#ended.resolve());
  }

  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => {
      this.#server.close();
      this.#server.closeAllConnections();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    await this.#ended.promise;
  }

  async stopAccepting(): Promise<void> {
    this.#state = 'stopping';
    NetServer.prototype.close.call(this.#server);
    for (const response of this.#open) announceEnd(response);
    if (this.#open.size === 0) this.#drained.resolve();
  }

  /** Settles when no answer is outstanding. */
  drain(): Promise<void> {
    return this.#drained.promise;
  }

  #onRequest(response: ServerResponse): void {
    this.#open.add(response);
    if (this.#state === 'stopping') announceEnd(response);
    response.once('close', () => {
      this.#open.delete(response);
      if (this.#state === 'stopping' && this.#open.size === 0) this.#drained.resolve();
    });
  }
}

function announceEnd(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close');
}
