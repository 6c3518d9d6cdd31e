import { createServer as createHttpServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Certificate } from './certificate.ts';

interface WebServerOptions extends ServerOptions {
  readonly headersTimeout: number;
}

/**
 * An HTTP/1.1 server, over TLS where a certificate is given. A handshake must end within the time for headers.
 *
 * A client that ends its side behind its request gets its answer: Node would end the other side at once, and the client of a stored
 * record would hear nothing. The switch is Node's own, without a place in its types.
 */
export function createWebServer(options: WebServerOptions, certificate: Certificate | undefined): Server {
  return Object.assign(createServer(options, certificate), { httpAllowHalfOpen: true });
}

function createServer(options: WebServerOptions, certificate: Certificate | undefined): Server {
  if (certificate === undefined) return createHttpServer(options);
  const { headersTimeout: handshakeTimeout } = options;
  const server = createHttpsServer({ ...options, ...certificate.pair, handshakeTimeout, allowHalfOpen: true });
  certificate.attach(server);
  return server;
}
