import { formatByteSize } from '../../kernel/codec/byte-size.ts';
import { type ErrorCode, errorTable } from '../../kernel/errors/error-table.ts';
import { answerText } from './answer.ts';

interface BrokenRequest {
  readonly code: ErrorCode;
  /** The whole answer, head and body, after which the connection ends. */
  readonly answer: string;
}

/** What a request hears that never became one: too many headers 431, too slow 408, no HTTP 400. Undefined where nobody is left to hear it. */
export function describeClientError(error: Error & { readonly code?: string }, maxHeaderBytes: number): BrokenRequest | undefined {
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
  answer: answerText(`HTTP/1.1 ${errorTable[code].status} ${reasonPhrase[code]}`, { code, message }),
});

const reasonPhrase = {
  badRequest: 'Bad Request',
  requestTimeout: 'Request Timeout',
  headerTooLarge: 'Request Header Fields Too Large',
} as const;
