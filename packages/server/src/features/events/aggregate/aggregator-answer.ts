import type { ServerResponse } from 'node:http';
import { type ErrorCode, errorTable } from '../../../kernel/errors/error-table.ts';
import type { MadeAnswer } from './series-answer.ts';

const server = ['Server', 'Sluice/Aggregator'];
const plainText = ['Content-Type', 'text/plain; charset=utf-8'];
const json = ['Content-Type', 'application/json; charset=utf-8'];
/** Seconds after which a refused client may try again. */
const retryAfterSeconds = '1';

export function answerHealth(response: ServerResponse): void {
  send(response, 200, { headers: plainText, body: 'ok' });
}

export function answerMethodNotAllowed(response: ServerResponse): void {
  send(response, 405, { headers: ['Allow', 'GET, HEAD'], body: '' });
}

export function answerNotFound(response: ServerResponse): void {
  send(response, 404, { headers: plainText, body: '404 page not found\n' });
}

/** Nothing is read. */
export function answerDisabled(response: ServerResponse): void {
  send(response, 200, { headers: json, body: jsonText({ message: 'processing disabled, did nothing', points: null }) });
}

/** 304 where the client has the answer already. */
export function answerMade(response: ServerResponse, { status, body, etag }: MadeAnswer): void {
  if (status !== 200) {
    send(response, status, { headers: [...json, ...retryHeaders(status)], body });
    return;
  }
  const headers = ['ETag', etag, 'Cache-Control', 'no-cache'];
  if (isKnown(response.req.headers['if-none-match'], etag)) {
    response.writeHead(304, [...server, ...headers]);
    response.end();
  } else send(response, 200, { headers: [...json, ...headers], body });
}

/** Every problem of the request at once. */
export function answerProblems(response: ServerResponse, problems: readonly string[]): void {
  send(response, 400, { headers: json, body: jsonText({ message: problems.join('; '), problems }) });
}

interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
}

export function answerFault(response: ServerResponse, { code, message }: Fault): void {
  const { status } = errorTable[code];
  send(response, status, { headers: [...json, ...retryHeaders(status)], body: jsonText({ message }) });
}

/** The text of a fault that ends its connection. */
export function faultText(statusLine: string, message: string): string {
  const body = jsonText({ message });
  const headers = [
    'Server: Sluice/Aggregator',
    `${json[0]}: ${json[1]}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${[statusLine, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

/** Begins a stream; its events follow. */
export function beginStream(response: ServerResponse): void {
  const headers = ['Content-Type', 'text/event-stream; charset=utf-8', 'Cache-Control', 'no-store', 'X-Accel-Buffering', 'no'];
  response.writeHead(200, [...server, ...headers]);
  response.flushHeaders();
}

const retryHeaders = (status: number): string[] => (status === 503 ? ['Retry-After', retryAfterSeconds] : []);

const jsonText = (value: object): string => `${JSON.stringify(value)}\n`;

/** RFC 9110, 13.1.2: a list of validators, compared weakly. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const given = ifNoneMatch?.split(',').map((one) => one.trim().replace(/^W\//, '')) ?? [];
  return given.includes('*') || given.includes(etag);
}

function send(response: ServerResponse, status: number, { headers, body }: { headers: readonly string[]; body: string }): void {
  response.writeHead(status, [...server, ...headers, 'Content-Length', String(Buffer.byteLength(body))]);
  response.end(body);
}
