import type { ServerResponse } from 'node:http';
import type { EventError, IngestAnswer } from '@sluice/contract/event';
import { type ErrorCode, errorTable } from '../../../kernel/errors/error-table.ts';

/** What a 5xx says about the events of the request. */
type StoredMark = 'none' | 'partial' | 'unknown';

const server = ['Server', 'Sluice/EventAPI'];
const plainText = ['Content-Type', 'text/plain; charset=utf-8'];
const json = ['Content-Type', 'application/json; charset=utf-8'];
/** Seconds after which a refused client may try again. */
const retryAfterSeconds = '1';

export function answerHealth(response: ServerResponse): void {
  send(response, 200, { headers: plainText, body: 'ok' });
}

export function answerMethodNotAllowed(response: ServerResponse, allow: string): void {
  send(response, 405, { headers: ['Allow', allow], body: '' });
}

export function answerNotFound(response: ServerResponse): void {
  send(response, 404, { headers: plainText, body: '404 page not found\n' });
}

export function answerDisabled(response: ServerResponse): void {
  sendJson(response, 200, { message: 'processing disabled, did nothing' });
}

interface Refused {
  readonly rejected: number;
  readonly errors: readonly EventError[];
}

/** Where every event was taken, what clients have always got, to the byte; else the refused ones are told behind it. */
export function answerIngested(response: ServerResponse, accepted: number, { rejected, errors }: Refused): void {
  const message = `ingested ${accepted} events`;
  const answer: IngestAnswer = rejected === 0 ? { message } : { message, accepted, rejected, errors: [...errors] };
  sendJson(response, 200, answer);
}

/** No event was taken, because some are not valid. */
export function answerInvalid(response: ServerResponse, { rejected, errors }: Refused): void {
  const [first] = errors;
  const example = first ? `: event ${first.index}: ${first.reason}` : '';
  const message = `${rejected === 1 ? 'an event is' : `${rejected} events are`} not valid${example}`;
  const answer: IngestAnswer = { message, accepted: 0, rejected, errors: [...errors] };
  sendJson(response, 400, answer);
}

export function answerJson(response: ServerResponse, body: object): void {
  sendJson(response, 200, body);
}

export interface EventFault {
  readonly code: ErrorCode;
  readonly message: string;
  /** In the place of the code's own. */
  readonly status?: number | undefined;
  /** The rest of the request is not waited for. */
  readonly close?: boolean;
  readonly stored?: StoredMark;
}

export function answerFault(
  response: ServerResponse,
  { code, message, status = errorTable[code].status, close, stored }: EventFault,
): void {
  const again = status === 503 || status === 429 ? ['Retry-After', retryAfterSeconds] : [];
  const mark = status >= 500 ? ['X-Sluice-Stored', stored ?? 'none'] : [];
  const closing = close === true ? ['Connection', 'close'] : [];
  send(response, status, { headers: [...json, ...again, ...mark, ...closing], body: jsonText({ message }) });
}

/** The text of a fault that ends its connection. */
export function faultText(statusLine: string, message: string): string {
  const body = jsonText({ message });
  const headers = ['Server: Sluice/EventAPI', `${json[0]}: ${json[1]}`, `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'];
  return `${[statusLine, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

const jsonText = (value: object): string => `${JSON.stringify(value)}\n`;

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, { headers: json, body: jsonText(body) });
}

function send(response: ServerResponse, status: number, { headers, body }: { headers: readonly string[]; body: string }): void {
  response.writeHead(status, [...server, ...headers, 'Content-Length', String(Buffer.byteLength(body))]);
  response.end(body);
}
