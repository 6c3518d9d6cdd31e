import type { RequestListener, Server } from 'node:http';
import { Socket } from 'node:net';
import type { Certificate } from '../../kernel/tls/certificate.ts';
import { createWebServer } from '../../kernel/tls/web-server.ts';
import { answerClientError } from './client-error.ts';

/** In milliseconds. */
export interface ServerTimes {
  /** Until the headers of a request are there. */
  readonly headersMs: number;
  /** Until a request is there as a whole. */
  readonly requestMs: number;
  /** From then on until it is answered: longer than operations wait for each other, which is 30 s. */
  readonly answerMs: number;
  /** Between two looks at connections that take too long. */
  readonly lookMs: number;
}

export const defaultTimes: ServerTimes = { headersMs: 10_000, requestMs: 30_000, answerMs: 33_000, lookMs: 1000 };
const keepAliveTimeout = 72_000;

interface WebServerOptions {
  readonly times: ServerTimes;
  readonly certificate: Certificate | undefined;
  readonly randomId: (length: number) => string;
}

/** The server below the API's framework. What Node itself would answer without a body, or not at all, comes to the framework or is answered here. */
export function openWebServer(handler: RequestListener, { times, certificate, randomId }: WebServerOptions): Server {
  const { headersMs, requestMs, lookMs } = times;
  const options = { requestTimeout: requestMs, headersTimeout: headersMs, connectionsCheckingInterval: lookMs, keepAliveTimeout };
  const server = createWebServer({ ...options, requireHostHeader: false }, certificate);
  server.on('request', handler);
  // Expectations other than that of a 100 may be ignored (RFC 9110, 10.1.1). A request like any other, for all who count requests.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('connect', (_request, socket) => {
    if (socket instanceof Socket) answerClientError(socket, { code: 'HPE_INVALID_METHOD', requestId: randomId(15) });
    else socket.destroy();
  });
  return server;
}
