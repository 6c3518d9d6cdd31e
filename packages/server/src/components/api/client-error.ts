import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../../kernel/errors/app-error.ts';
import { closeLingering } from '../../kernel/lifecycle/lingering-close.ts';
import { errorBody, errorText } from './error-answer.ts';

interface BrokenRequest {
  /** Of the HTTP parser, of a timer, or of the connection. */
  readonly code?: string;
  readonly requestId: string;
}

/** Answers what never became a request, and ends the connection. Where the connection itself failed, nobody is left to hear it. */
export function answerClientError(socket: Socket, { code = '', requestId }: BrokenRequest): void {
  // It is being closed already; what else comes on it changes nothing.
  if (socket.writableEnded) return;
  const error = clientError(code);
  if (error === undefined) {
    socket.destroy();
    return;
  }
  const body = errorBody(error, requestId);
  const { statusCode } = body;
  const content = errorText(body);
  const head = [
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(content)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  closeLingering(socket, { text: `${head.join('\r\n')}\r\n\r\n${content}` });
}

function clientError(code: string): AppError | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return new AppError('headerTooLarge', 'The headers of the request are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new AppError('requestTimeout', 'The request did not arrive in time.');
  return code.startsWith('HPE_') ? new AppError('badRequest', 'The request is no valid HTTP/1.1.') : undefined;
}
