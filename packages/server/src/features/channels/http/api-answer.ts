import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, errorTable } from '../../../kernel/errors/error-table.ts';

/** Of the original system: its bodies were sniffed as text. */
export const plainText = 'text/plain; charset=utf-8';
export const json = 'application/json; charset=utf-8';

export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
}

export const wantsJson = ({ headers }: IncomingMessage): boolean =>
  /(?:^|[,\s])application\/(?:[\w.-]+\+)?json\b/i.test(headers.accept ?? '');

export interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

export function send(response: ServerResponse, { status, type, headers = [], body = '' }: Answer): void {
  const content = type === undefined ? [] : ['Content-Type', type];
  // 204 has no length.
  const length = status === 204 ? [] : ['Content-Length', String(Buffer.byteLength(body))];
  response.writeHead(status, [...content, ...headers, ...length]);
  response.end(body);
}

export function sendJson(response: ServerResponse, body: object): void {
  send(response, { status: 200, type: json, body: `${JSON.stringify(body)}\n` });
}

/** A fault of a route that the original system did not have. */
export function sendFault(response: ServerResponse, { code, message }: Fault, headers: readonly string[] = []): void {
  const { status } = errorTable[code];
  const again = status === 503 ? ['Retry-After', '1'] : [];
  send(response, { status, type: json, headers: [...headers, ...again], body: faultText(code, message) });
}

/** A fault of a route of the original system: its status, and a body only for those who ask for JSON. */
export function sendBareFault(
  request: IncomingMessage,
  response: ServerResponse,
  { status, code, message, headers = [] }: Fault & { readonly status: number; readonly headers?: readonly string[] },
): void {
  if (wantsJson(request)) send(response, { status, type: json, headers, body: faultText(code, message) });
  else send(response, { status, headers });
}

const faultText = (error: ErrorCode, message: string): string => `${JSON.stringify({ error, message })}\n`;

/** The whole answer to a request that broke, after which the connection ends. */
export function brokenText(statusLine: string, { code, message }: Fault): string {
  const body = faultText(code, message);
  return `${statusLine}\r\nContent-Type: ${json}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}
