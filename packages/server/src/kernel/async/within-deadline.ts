import { AppError } from '../errors/app-error.ts';
import type { ErrorCode } from '../errors/error-table.ts';
import type { StartTimer } from '../time/start-timer.ts';

export interface Deadline {
  /** Begins the message of the error. */
  readonly what: string;
  /** Of the error at the end of the time. */
  readonly code: ErrorCode;
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
  readonly signal: AbortSignal;
}

/** Keeps the reason of a failure that is tried again, for the message at the end of the time. */
export type NoteFailure = (reason: string) => void;

/**
 * The result of the work; an error of the code when the time is up, the signal's reason when that aborts. The work hears of both by the
 * signal that it gets. It is not waited for then: what it does later, and its error, go unseen.
 */
export async function withinDeadline<T>(
  { what, code, timeoutMs, startTimer, signal }: Deadline,
  work: (signal: AbortSignal, note: NoteFailure) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const end = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const stop = (reason: unknown): void => {
    end.abort(reason);
    reject(reason);
  };
  let lastReason = '';
  const cancelTimer = startTimer(timeoutMs, () => stop(new AppError(code, `${what}: no answer in ${timeoutMs} ms${lastReason}.`)));
  const onAbort = (): void => stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const working = work(end.signal, (reason) => {
      lastReason = `; ${reason}`;
    });
    return await Promise.race([working, ended]);
  } finally {
    cancelTimer();
    signal.removeEventListener('abort', onAbort);
  }
}
