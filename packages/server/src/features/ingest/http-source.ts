import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorTable } from '../../kernel/errors/error-table.ts';
import type { Certificate } from '../../kernel/tls/certificate.ts';
import { createWebServer } from '../../kernel/tls/web-server.ts';
import { describeClientError } from './client-error.ts';
import { Connection } from './connection.ts';
import { StreamRequest, type StreamRequestOptions } from './stream-request.ts';

export interface HttpSourceOptions extends StreamRequestOptions {
  readonly settings: HttpSourceSettings;
  /** Undefined: no TLS. */
  readonly certificate: Certificate | undefined;
}

interface HttpSourceSettings {
  /** Request line and all headers. */
  readonly maxHeaderBytes: number;
  readonly headerTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxConnections: number;
}

/** How long a connection may be quiet before it is looked at: not under the longest time for a request. */
const quietTimeoutMs = 60_000;

/**
 * Ingest: events over HTTP, safe on disk before the client hears OK.
 *
 * - `stream-request.ts` is the way of one request; `source-auth.ts` finds its source by the secret, `data-auth.ts` by a token, before a
 *   byte of the body is read.
 * - `request-body.ts` reads the body within its bounds; `mapping` renders it for every sink.
 * - `sink-router.ts`, `sink-stream.ts` bring the rows to the writer and wait until they are durable (I1).
 * - `write-result.ts`, `answer.ts` say what became of them (I5); `ingest-report.ts` counts and logs it.
 * - `connection.ts`, `client-error.ts`: requests that break, and ends of connections that lose no answer.
 */
export function createHttpSource({ settings, certificate, ...options }: HttpSourceOptions): Server {
  const web = {
    maxHeaderSize: settings.maxHeaderBytes,
    // Node wants it within the time for the whole request.
    headersTimeout: Math.min(settings.headerTimeoutMs, settings.requestTimeoutMs),
    requestTimeout: settings.requestTimeoutMs,
    keepAliveTimeout: settings.idleTimeoutMs,
    connectionsCheckingInterval: 500,
    // `stream-request.ts` says it in our words.
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
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    response.sendDate = false;
    if (connections.get(request.socket)?.take(request, response) === false) request.resume();
    else void new StreamRequest(options, request, response).serve({ expectsContinue: awaitsContinue.has(request) });
  };
  // Behind TLS, requests come once the connection is secure; what fails before is no connection, and is cut off.
  server.on(certificate ? 'secureConnection' : 'connection', (socket: Socket) => connections.set(socket, new Connection(socket)));
  server.on('request', serve);
  // A request like any other, for all who count requests; 100 is sent only to a client whose secret was right.
  server.on('checkContinue', (request, response) => {
    awaitsContinue.add(request);
    server.emit('request', request, response);
  });
  // Expectations other than that of a 100 may be ignored (RFC 9110, 10.1.1); Node would refuse them, unseen by all who count.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.setTimeout(quietTimeoutMs, (socket) => connections.get(socket)?.onQuiet());
  server.on('clientError', (error, socket) => {
    const broken = describeClientError(error, settings.maxHeaderBytes);
    const connection = connections.get(socket);
    if (!broken || !connection) {
      socket.destroy();
      return;
    }
    if (connection.breakOff(broken.answer)) options.report.rejected({ code: broken.code, status: errorTable[broken.code].status });
  });
  return server;
}
