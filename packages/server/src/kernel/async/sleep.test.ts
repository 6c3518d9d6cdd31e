import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { sleep } from './sleep.ts';

test('sleeps the whole delay and leaves no listener behind', async () => {
  vi.useFakeTimers();
  try {
    const { signal } = new AbortController();
    const slept = sleep(1000, signal);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await expect(slept).resolves.toBe(true);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  } finally {
    vi.useRealTimers();
  }
});

test('an abort ends it and cancels the timer', async () => {
  let cancelled = 0;
  const controller = new AbortController();
  const slept = sleep(1000, controller.signal, () => () => {
    cancelled += 1;
  });
  controller.abort();
  await expect(slept).resolves.toBe(false);
  expect(cancelled).toBe(1);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('an aborted signal starts no timer', async () => {
  const startTimer = vi.fn();
  await expect(sleep(1000, AbortSignal.abort(), startTimer)).resolves.toBe(false);
  expect(startTimer).not.toHaveBeenCalled();
});
