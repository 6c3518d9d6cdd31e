import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { requestToken } from '../../features/accounts/request-token.ts';
import type { RawRequest } from '../../features/definitions/bound-operation.ts';
import { restParameter } from './route-table.ts';

/** The client's address, by whatever rule the service is configured with about proxies in front of it. */
export type ClientIpOf = (request: IncomingMessage) => string;

interface RawRequestOptions {
  readonly path: string;
  readonly clientIpOf: ClientIpOf;
}

export function rawRequest(request: FastifyRequest, { path, clientIpOf }: RawRequestOptions): RawRequest {
  return {
    params: textsOf(request.params, restParameter(path)),
    query: textsOf(request.query),
    contentType: request.headers['content-type'],
    body: Buffer.isBuffer(request.body) ? request.body : undefined,
    rawHeaders: request.raw.rawHeaders,
    clientIp: clientIpOf(request.raw),
    token: requestToken(request.headers),
  };
}

/** First value of each parameter; `+` is a space. */
export function parseQuery(text: string): Record<string, string> {
  return Object.fromEntries([...new URLSearchParams(text)].reverse());
}

/** The framework calls the rest of a path `*`. */
function textsOf(value: unknown, restName = '*'): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name === '*' ? restName : name, String(text)]));
}
