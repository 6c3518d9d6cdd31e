import { AppError, errorText } from '../../../kernel/errors/app-error.ts';

export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The port's error for a failed file operation on an object. Other errors (the caller's stream, an abort) pass unchanged. */
export function objectError(error: unknown, key: string): unknown {
  const errno = errnoOf(error);
  if (error instanceof AppError || errno === undefined || !/^E[A-Z0-9]+$/.test(errno)) return error;
  switch (errno) {
    case 'ENOENT':
      return new AppError('objectNotFound', `The object "${key}" does not exist.`, { cause: error });
    case 'ENOSPC':
    case 'EDQUOT':
      return new AppError('diskFull', `There is no room for the object "${key}": ${errorText(error)}.`, { cause: error });
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EEXIST':
      return new AppError('invariantBroken', `The object key "${key}" is also the folder of another key, or inside one.`, { cause: error });
    default:
      return new AppError('objectsUnavailable', `The object "${key}" cannot be read or written: ${errorText(error)}.`, { cause: error });
  }
}
