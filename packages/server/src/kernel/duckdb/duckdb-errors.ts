import { AppError, errorText } from '../errors/app-error.ts';

const fatal = /^FATAL Error|^INTERNAL Error|database has been invalidated/;

/** After such an error the database answers nothing any more until it is opened again. */
export function isFatalDuckdbError(error: unknown): boolean {
  return fatal.test(errorText(error instanceof AppError ? error.cause : error));
}

/** The memory limit was too low for the operation; nothing of it was committed. */
export function isOutOfMemoryError(error: unknown): boolean {
  return /Out of Memory Error|failed to pin block|could not allocate block/i.test(errorText(error));
}

/** What the message begins with, as `Catalog` or `IO`; empty for an error that is none of DuckDB's. */
export function duckdbErrorKind(error: unknown): string {
  return /^([A-Za-z ]+?) Error:/.exec(errorText(error))?.[1] ?? '';
}

/** The first line of a message, for a sentence. */
export function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.replace(/[.!]+$/, '').slice(0, 500);
}
