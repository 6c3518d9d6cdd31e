import type { Duplex } from 'node:stream';
import { formatByteSize } from '../../kernel/codec/byte-size.ts';
import { type ErrorCode, errorTable } from '../../kernel/errors/error-table.ts';
import { errorBody } from './answer.ts';

interface BrokenRequest {
  readonly socket: Duplex;
  readonly maxHeaderBytes: number;
}

/** Answers a request that never became one: too many headers 431, too slow 408, no HTTP 400. The connection ends with it. */
export function answerClientError(error: NodeJS.ErrnoException, { socket, maxHeaderBytes }: BrokenRequest): void {
  if (!socket.writable || error.code === 'ECONNRESET' || error.code === 'EPIPE') {
    socket.destroy();
    return;
  }
  const { code, message } = describe(error, maxHeaderBytes);
  const { body } = errorBody(code, message);
  const head = [
    `HTTP/1.1 ${errorTable[code].status} ${reasonPhrase[code] ?? 'Bad Request'}`,
    'Server: Sluice/HTTPSource',
    'Content-Type: application/json',
    'Access-Control-Allow-Origin: *',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const reasonPhrase: Readonly<Partial<Record<ErrorCode, string>>> = {
  headerTooLarge: 'Request Header Fields Too Large',
  requestTimeout: 'Request Timeout',
};

function describe(error: NodeJS.ErrnoException, maxHeaderBytes: number): { code: ErrorCode; message: string } {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return { code: 'headerTooLarge', message: `request header size is over the maximum "${formatByteSize(maxHeaderBytes)}".` };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { code: 'requestTimeout', message: 'the request did not arrive in time' };
    default:
      return { code: 'badRequest', message: 'the request is no valid HTTP/1.1' };
  }
}
