import type { ServerResponse } from 'node:http';
import { randomId } from '../../kernel/codec/random-id.ts';
import { sentence } from '../../kernel/codec/sentence.ts';
import { type ErrorCode, errorTable } from '../../kernel/errors/error-table.ts';
import type { WriteResult } from './write-result.ts';

/** `Access-Control-*` of every answer, so that a browser's page can read it. */
const cors = ['Access-Control-Allow-Origin', '*', 'Access-Control-Expose-Headers', '*'];
const preflight = [
  ...['Allow', 'OPTIONS, POST', 'Access-Control-Allow-Methods', 'OPTIONS, POST', 'Access-Control-Allow-Headers', '*'],
  ...cors,
];
const server = ['Server', 'Sluice/HTTPSource'];
const plainText = ['Content-Type', 'text/plain'];
const json = ['Content-Type', 'application/json'];

const okHeaders = [...server, ...plainText, 'Content-Length', '2', ...cors];
/** Seconds after which a refused client may try again. */
const retryAfter = ['Retry-After', '1'];

export function answerOptions(response: ServerResponse): void {
  send(response, 200, { headers: preflight, body: '' });
}

export function answerHealth(response: ServerResponse): void {
  send(response, 200, { headers: plainText, body: 'OK\n' });
}

export function answerMethodNotAllowed(response: ServerResponse, allow: string): void {
  send(response, 405, { headers: ['Allow', allow], body: '' });
}

/** 200 `OK`, or the result as JSON where it was asked for or something failed (stream data plane 2.4, 2.5). */
export function answerResult(response: ServerResponse, result: WriteResult, verbose: boolean): void {
  if (!result.failed && !verbose && result.stored === undefined) {
    response.writeHead(200, okHeaders);
    response.end('OK');
    return;
  }
  const marks = result.stored === undefined ? [] : ['X-Sluice-Stored', result.stored];
  const again = result.status === 503 ? retryAfter : [];
  if (result.failed || verbose) send(response, result.status, { headers: [...json, ...cors, ...marks, ...again], body: jsonText(result.body()) });
  else send(response, result.status, { headers: [...plainText, ...cors, ...marks], body: 'OK' });
}

interface ErrorAnswer {
  readonly code: ErrorCode;
  readonly message: string;
  /** The rest of the request is not read. */
  readonly close?: boolean;
}

/** An error before any sink was asked: nothing is stored. Returns the exception id of a 5xx. */
export function answerError(response: ServerResponse, { code, message, close = false }: ErrorAnswer): string | undefined {
  const { status } = errorTable[code];
  const { body, exceptionId } = errorBody(code, message);
  const stored = status >= 500 ? ['X-Sluice-Stored', 'none'] : [];
  const again = status === 503 || status === 429 ? retryAfter : [];
  const closing = close ? ['Connection', 'close'] : [];
  send(response, status, { headers: [...json, ...cors, ...stored, ...again, ...closing], body });
  return exceptionId;
}

/** The JSON of an error and, from 500 on, the id under which the log has it. */
export function errorBody(code: ErrorCode, message: string): { body: string; exceptionId: string | undefined } {
  const { status } = errorTable[code];
  const exceptionId = status >= 500 ? `sluice-${randomId(15)}` : undefined;
  const error = { statusCode: status, error: `stream.in.${code}`, message: sentence(message), ...(exceptionId && { exceptionId }) };
  return { body: jsonText(error), exceptionId };
}

/** Two spaces, a new line at the end, and nothing that a browser could take for HTML. */
function jsonText(value: object): string {
  const escapes: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };
  return `${JSON.stringify(value, undefined, 2).replaceAll(/[<>&]/g, (character) => escapes[character] ?? character)}\n`;
}

function send(response: ServerResponse, status: number, { headers, body }: { headers: string[]; body: string }): void {
  response.writeHead(status, [...server, ...headers, 'Content-Length', String(Buffer.byteLength(body))]);
  response.end(body);
}
