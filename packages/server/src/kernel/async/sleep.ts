import { type StartTimer, systemTimer } from '../time/start-timer.ts';

/** Resolves to true after the delay, or to false as soon as the signal aborts. Never rejects. */
export function sleep(delayMs: number, signal?: AbortSignal, startTimer: StartTimer = systemTimer): Promise<boolean> {
  if (signal?.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onAbort = () => {
      cancelTimer();
      resolve(false);
    };
    const cancelTimer = startTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve(true);
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
