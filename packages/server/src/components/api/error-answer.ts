import type { ErrorBody } from '@sluice/contract/error-body';
import type { TokenRefusal } from '../../features/accounts/token-verifier.ts';
import { sentence } from '../../kernel/codec/sentence.ts';
import { AppError, isAppError } from '../../kernel/errors/app-error.ts';
import type { ErrorCode } from '../../kernel/errors/error-table.ts';

/** The verifier refused the token; clients see its own words. */
export class TokenRefused extends Error {
  readonly refusal: TokenRefusal;

  constructor(refusal: TokenRefusal) {
    super(refusal.message);
    this.name = 'TokenRefused';
    this.refusal = refusal;
  }
}

/** Where this API's contract differs from the error table. */
const apiStatus: Partial<Record<ErrorCode, number>> = { unsupportedMediaType: 400 };
const upstreamNames: Partial<Record<ErrorCode, string>> = { tokenInvalid: 'storage.tokenInvalid' };

/** The answer to whatever was thrown. Only errors that are meant for clients say why. */
export function errorBody(error: unknown, requestId: string): ErrorBody {
  if (error instanceof TokenRefused) {
    const { status, error: name, message, exceptionId } = error.refusal;
    return { statusCode: status, error: name, message: sentence(message), ...(exceptionId !== undefined && { exceptionId }) };
  }
  const { code, status, message, disposition } = isAppError(error) ? error : new AppError('internalError', '');
  const statusCode = apiStatus[code] ?? status;
  const name = upstreamNames[code] ?? `stream.api.${code}`;
  if (statusCode < 500) return { statusCode, error: name, message: sentence(message) };
  const exceptionId = `keboola-stream-api-${requestId}`;
  const forClients = disposition === 'bug' ? unexpected(exceptionId) : sentence(message);
  return { statusCode, error: name, message: forClients, exceptionId };
}

const unexpected = (exceptionId: string): string =>
  `Application error. Something unexpected happened; the log of the service has the cause under the exception id (${exceptionId}).`;

export const errorText = (body: ErrorBody): string => `${JSON.stringify(body, null, 2)}\n`;
