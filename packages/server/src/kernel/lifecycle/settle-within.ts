import type { StartTimer } from '../time/start-timer.ts';

interface Bound {
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
}

export type Settled = { readonly state: 'done' } | { readonly state: 'failed'; readonly error: unknown } | { readonly state: 'late' };

/** Runs the action and says how it went; `late` if it did not settle in time (it goes on unobserved, its error is dropped). */
export function settleWithin(action: () => Promise<void>, { timeoutMs, startTimer }: Bound): Promise<Settled> {
  return new Promise((resolve) => {
    const cancelTimer = startTimer(Math.max(0, timeoutMs), () => resolve({ state: 'late' }));
    const settle = (settled: Settled) => {
      cancelTimer();
      resolve(settled);
    };
    Promise.try(action).then(
      () => settle({ state: 'done' }),
      (error: unknown) => settle({ state: 'failed', error }),
    );
  });
}
