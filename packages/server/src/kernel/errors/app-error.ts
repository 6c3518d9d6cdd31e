import { type Disposition, type ErrorCode, errorTable } from './error-table.ts';

interface AppErrorOptions {
  readonly cause?: unknown;
}

/**
 * The product's error. The message is for the user: what failed, which one, what to do; never a secret.
 * Status and disposition follow from the code.
 */
export class AppError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options);
    this.name = 'AppError';
    this.code = code;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get disposition(): Disposition {
    return errorTable[this.code].disposition;
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** The text of whatever was thrown, for logs and retry reasons. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
