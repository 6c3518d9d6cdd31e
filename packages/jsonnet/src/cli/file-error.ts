import { getSystemErrorMessage } from 'node:util';

/** What `node:fs` throws when the system refuses. */
export interface FileError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
}

export const isFileError = (error: unknown): error is FileError => error instanceof Error && 'syscall' in error && 'errno' in error;

const words: Readonly<Record<string, string>> = { EISDIR: 'is a directory', ENOTDIR: 'not a directory', EEXIST: 'file exists' };

/** `open x: no such file or directory`: operation, path and reason, as the reference prints them. */
export function fileErrorText({ code, errno, syscall, path }: FileError): string {
  const reason = words[code] ?? getSystemErrorMessage(errno);
  return path === undefined ? `${syscall}: ${reason}` : `${syscall} ${path}: ${reason}`;
}
