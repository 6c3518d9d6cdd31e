import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Certificate } from '../tls/certificate.ts';
import { createWebServer } from '../tls/web-server.ts';
import { type BrokenRequest, describeBrokenRequest } from './broken-request.ts';
import { Connection } from './connection.ts';

export interface DataServerSettings {
  /** Request line and all headers. */
  readonly maxHeaderBytes: number;
  readonly headerTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
}

interface DataServerOptions {
  readonly settings: DataServerSettings;
  /** Undefined: no TLS. */
  readonly certificate: Certificate | undefined;
  /** Never throws. `expectsContinue`: the client sends its body only after `100 Continue`. */
  readonly serve: (request: IncomingMessage, response: ServerResponse, mode: { readonly expectsContinue: boolean }) => void;
  /** The whole answer to a request that broke, head and body, after which the connection ends. */
  readonly answerBroken: (broken: BrokenRequest) => string;
  /** That answer is under way. */
  readonly onBroken: (broken: BrokenRequest) => void;
}

/** How long a connection may be quiet before it is looked at: not under the longest time for a request. */
const quietTimeoutMs = 60_000;

/**
 * An HTTP/1.1 server for data: many connections, each with bounds in time and size, and ends of connections that lose no answer.
 * Whoever serves asks for the `Host` header, and answers `100 Continue`.
 */
export function createDataServer({ settings, certificate, serve, answerBroken, onBroken }: DataServerOptions): Server {
  const web = {
    maxHeaderSize: settings.maxHeaderBytes,
    // Node wants it within the time for the whole request.
    headersTimeout: Math.min(settings.headerTimeoutMs, settings.requestTimeoutMs),
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.idleTimeoutMs,
    connectionsCheckingInterval: 500,
    requireHostHeader: false,
    keepAlive: true,
    noDelay: true,
  };
  const server = createWebServer(web, certificate);
  server.maxConnections = settings.maxConnections;
  // Their size is bounded; Node would leave out further ones silently.
  server.maxHeadersCount = 0;

  const connections = new WeakMap<Duplex, Connection>();
  const awaitsContinue = new WeakSet<IncomingMessage>();
  // Behind TLS, requests come once the connection is secure; what fails before is no connection, and is cut off.
  server.on(certificate ? 'secureConnection' : 'connection', (socket: Socket) => connections.set(socket, new Connection(socket)));
  server.on('request', (request, response) => {
    response.sendDate = false;
    if (connections.get(request.socket)?.take(request, response) === false) request.resume();
    else serve(request, response, { expectsContinue: awaitsContinue.has(request) });
  });
  // A request like any other, for all who count requests.
  server.on('checkContinue', (request, response) => {
    awaitsContinue.add(request);
    server.emit('request', request, response);
  });
  // Expectations other than that of a 100 may be ignored (RFC 9110, 10.1.1); Node would refuse them, unseen by all who count.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.setTimeout(quietTimeoutMs, (socket) => connections.get(socket)?.onQuiet());
  server.on('clientError', (error, socket) => {
    const broken = describeBrokenRequest(error, settings.maxHeaderBytes);
    const connection = connections.get(socket);
    if (!broken || !connection) socket.destroy();
    else if (connection.breakOff(answerBroken(broken))) onBroken(broken);
  });
  return server;
}
