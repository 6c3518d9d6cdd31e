import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again, for at most 20 s, until the value is as wanted; then or at the end it is returned. */
export async function waitFor<T>(ask: () => Promise<T>, isWanted: (value: T) => boolean): Promise<T> {
  const until = performance.now() + 20_000;
  for (;;) {
    const value = await ask();
    if (isWanted(value) || performance.now() > until) return value;
    await sleep(50);
  }
}
