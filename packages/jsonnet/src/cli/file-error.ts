import { getSystemErrorMessage } from 'node:util';

/** What `node:fs` throws when the system refuses. */
interface FileError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
}

/** A file cannot be read or written; the message is the whole text for the user. */
export class FileProblem extends Error {}

export const isFileError = (error: unknown): error is FileError => error instanceof Error && 'syscall' in error && 'errno' in error;

const words: Readonly<Record<string, string>> = { EISDIR: 'is a directory', ENOTDIR: 'not a directory', EEXIST: 'file exists' };

/** `no such file or directory` and its like, as the reference prints them. */
export const fileErrorReason = ({ code, errno }: FileError): string => words[code] ?? getSystemErrorMessage(errno);

/** Does what touches the file at `path`; a refusal becomes a FileProblem `open path: reason`. */
export function withFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!isFileError(error)) throw error;
    throw new FileProblem(`${error.syscall} ${path}: ${fileErrorReason(error)}`);
  }
}
