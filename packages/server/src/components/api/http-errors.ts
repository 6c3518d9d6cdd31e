import { AppError } from '../../kernel/errors/app-error.ts';

/** Errors of the HTTP framework in our terms; everything else as it is. */
export function httpError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError('bodyTooLarge', `The request body is over the limit of ${maxBodyBytes} bytes.`, { cause: error });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AppError('unsupportedMediaType', 'unsupported media type', { cause: error });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new AppError('badRequest', 'The request body does not have the announced length.', { cause: error });
    case 'FST_ERR_HANDLER_TIMEOUT':
      return new AppError('requestTimeout', 'The request took too long.', { cause: error });
    default:
      return error;
  }
}

export const maxBodyBytes = 1_048_576;
