import { AppError } from '../../kernel/errors/app-error.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';

export interface Deadline {
  /** Begins the message of the error. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
  readonly signal: AbortSignal;
}

/** Keeps the reason of a failure that is tried again, for the message at the end of the time. */
export type NoteFailure = (reason: string) => void;

/**
 * The result of the work; `seriesUnavailable` when the time is up, the signal's reason when that aborts. The work hears of both by the
 * signal that it gets. It is not waited for then: what it does later, and its error, go unseen.
 */
export async function withinDeadline<T>(
  { what, timeoutMs, startTimer, signal }: Deadline,
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
  const cancelTimer = startTimer(timeoutMs, () =>
    stop(new AppError('seriesUnavailable', `${what}: no answer in ${timeoutMs} ms${lastReason}.`)),
  );
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
