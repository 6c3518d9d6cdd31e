import { isAppError } from '../errors/app-error.ts';
import { type Disposition, type ErrorRow, errorTable } from '../errors/error-table.ts';

/** How a process of the product ends; the numbers above 1 are those of sysexits.h. */
export const exitCodes = {
  clean: 0,
  failure: 1,
  /** The command line or the configuration is wrong. */
  usage: 64,
  /** A port or folder that is needed cannot be had. */
  unavailable: 69,
  /** The same start may work later. */
  retryLater: 75,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byDisposition: Readonly<Record<Disposition, ExitCode>> = {
  caller: exitCodes.usage,
  retry: exitCodes.retryLater,
  terminal: exitCodes.failure,
  bug: exitCodes.failure,
};

/** The exit code of a process that this error ends. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!isAppError(error)) return exitCodes.failure;
  const row: ErrorRow = errorTable[error.code];
  return row.exitCode ?? byDisposition[row.disposition];
}
