import { formatByteSize } from '../codec/byte-size.ts';
import { errorTable } from '../errors/error-table.ts';

/** A request that never became one. */
export interface BrokenRequest {
  readonly code: keyof typeof reasonPhrase;
  /** Of the answer. */
  readonly statusLine: string;
  /** Lower case. */
  readonly message: string;
}

/** Too many headers 431, too slow 408, no HTTP 400. Undefined where nobody is left to hear it. */
export function describeBrokenRequest(error: Error & { readonly code?: string }, maxHeaderBytes: number): BrokenRequest | undefined {
  switch (error.code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined;
    case 'HPE_HEADER_OVERFLOW':
      return broken('headerTooLarge', `request header size is over the maximum "${formatByteSize(maxHeaderBytes)}".`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return broken('requestTimeout', 'the request did not arrive in time');
    default:
      return broken('badRequest', 'the request is no valid HTTP/1.1');
  }
}

const broken = (code: keyof typeof reasonPhrase, message: string): BrokenRequest => ({
  code,
  statusLine: `HTTP/1.1 ${errorTable[code].status} ${reasonPhrase[code]}`,
  message,
});

const reasonPhrase = {
  badRequest: 'Bad Request',
  requestTimeout: 'Request Timeout',
  headerTooLarge: 'Request Header Fields Too Large',
} as const;
