import type { ServerResponse } from 'node:http';
import { randomId } from '../../kernel/codec/random-id.ts';
import { sentence } from '../../kernel/codec/sentence.ts';
import { type ErrorCode, errorTable } from '../../kernel/errors/error-table.ts';
import type { StoredMark, WriteResult } from './write-result.ts';

/** `Access-Control-*` of every answer, so that a browser's page can read it. */
const cors = ['Access-Control-Allow-Origin', '*', 'Access-Control-Expose-Headers', '*'];
const streamMethods = 'OPTIONS, POST';
const server = ['Server', 'Sluice/HTTPSource'];
const plainText = ['Content-Type', 'text/plain'];
const json = ['Content-Type', 'application/json'];

const okHeaders = [...server, ...plainText, 'Content-Length', '2', ...cors];
/** Seconds after which a refused client may try again. */
const retryAfterSeconds = 1;

/** `*` does not stand for `Authorization`: a path that takes the secret there names it. */
export function answerPreflight(response: ServerResponse, allowHeaders: '*' | 'Authorization, *'): void {
  const methods = ['Allow', streamMethods, 'Access-Control-Allow-Methods', streamMethods];
  send(response, 200, { headers: [...methods, 'Access-Control-Allow-Headers', allowHeaders, ...cors], body: '' });
}

export function answerAllow(response: ServerResponse, allow: string): void {
  send(response, 200, { headers: ['Allow', allow], body: '' });
}

export function answerHealth(response: ServerResponse): void {
  send(response, 200, { headers: plainText, body: 'OK\n' });
}

export function answerMethodNotAllowed(response: ServerResponse, allow: string = streamMethods): void {
  send(response, 405, { headers: ['Allow', allow, ...cors], body: '' });
}

export function answerOk(response: ServerResponse, status: 200 | 202 = 200): void {
  response.writeHead(status, okHeaders);
  response.end('OK');
}

/** 200 or 202 `OK`, or the result as JSON where it was asked for or something failed (stream data plane 2.4, 2.5). */
export function answerResult(response: ServerResponse, result: WriteResult, verbose: boolean): void {
  if (!result.failed && !verbose && result.stored === undefined) {
    answerOk(response, result.status === 202 ? 202 : 200);
    return;
  }
  const marks = markHeaders(result.status, result.stored, result.retryAfterSeconds);
  if (result.failed || verbose) send(response, result.status, { headers: [...json, ...cors, ...marks], body: jsonText(result.body()) });
  else send(response, result.status, { headers: [...plainText, ...cors, ...marks], body: 'OK' });
}

interface ErrorAnswer {
  readonly code: ErrorCode;
  readonly message: string;
  /** The rest of the request is not waited for. */
  readonly close?: boolean;
  /** Status and full name, where another system has worded the error. */
  readonly upstream?: { readonly status: number; readonly error: string } | undefined;
  /** What a 5xx says about the record; `none` where no sink was asked yet. */
  readonly stored?: StoredMark;
}

/** An error of the whole request. Returns the exception id of a 5xx. */
export function answerError(response: ServerResponse, answer: ErrorAnswer): string | undefined {
  const { code, close = false, stored = 'none', upstream } = answer;
  const { status } = upstream ?? errorTable[code];
  const { body, exceptionId } = errorBody(answer);
  const closing = close ? ['Connection', 'close'] : [];
  const marks = markHeaders(status, status >= 500 ? stored : undefined);
  send(response, status, { headers: [...json, ...cors, ...marks, ...closing], body });
  return exceptionId;
}

/** The text of an error answer that ends its connection. */
export function answerText(statusLine: string, answer: Pick<ErrorAnswer, 'code' | 'message'>): string {
  const { body } = errorBody(answer);
  const headers = [...server, ...json, ...cors, 'Content-Length', String(Buffer.byteLength(body)), 'Connection', 'close'];
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : []));
  return `${[statusLine, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

function markHeaders(status: number, stored: StoredMark | undefined, seconds = retryAfterSeconds): string[] {
  const mark = stored === undefined ? [] : ['X-Sluice-Stored', stored];
  return status === 503 || status === 429 ? [...mark, 'Retry-After', String(seconds)] : mark;
}

/** The JSON of an error and, from 500 on, the id under which the log has it. */
function errorBody({ code, message, upstream }: ErrorAnswer): { body: string; exceptionId: string | undefined } {
  const { status, error: name } = upstream ?? { ...errorTable[code], error: `stream.in.${code}` };
  const exceptionId = status >= 500 ? `keboola-stream-${randomId(15)}` : undefined;
  const error = { statusCode: status, error: name, message: sentence(message), ...(exceptionId && { exceptionId }) };
  return { body: jsonText(error), exceptionId };
}

/** Two spaces, a new line at the end, and nothing that a browser could take for HTML or the end of a script line. */
function jsonText(value: object): string {
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return `${JSON.stringify(value, undefined, 2).replaceAll(/[<>&\u2028\u2029]/g, escaped)}\n`;
}

function send(response: ServerResponse, status: number, { headers, body }: { headers: string[]; body: string }): void {
  response.writeHead(status, [...server, ...headers, 'Content-Length', String(Buffer.byteLength(body))]);
  response.end(body);
}
