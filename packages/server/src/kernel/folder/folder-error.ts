import { AppError, errorText, isAppError } from '../errors/app-error.ts';

/** `folderUnusable` for whatever the system said about the folder. */
export function folderUnusable(folder: string, error: unknown): AppError {
  if (isAppError(error)) return error;
  const message = `The data folder ${folder} cannot be used: ${errorText(error)}. Correct its owner, permissions or free space, or choose another one by --data-dir.`;
  return new AppError('folderUnusable', message, { cause: error });
}
