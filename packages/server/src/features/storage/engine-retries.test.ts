import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EngineRetries } from './engine-retries.ts';
import type { Retry } from './state/retry.ts';

const at = '2026-06-24T10:00:00.000Z';
const retry: Retry = { attempt: 6, reason: 'down', firstFailedAt: at, lastFailedAt: at, after: '2026-06-24T10:00:32.000Z' };
const restMs = 32_000;

let isDown = false;
let probes = 0;
let woken: string[] = [];
const open = () =>
  new EngineRetries({
    store: { retryInMs: () => restMs },
    probe: async () => {
      probes += 1;
      if (isDown) throw new Error('down');
    },
    wake: (key) => woken.push(key),
  });
beforeEach(() => {
  vi.useFakeTimers();
  isDown = false;
  probes = 0;
  woken = [];
});
afterEach(() => vi.useRealTimers());

test('the first success ends the delays of all that wait, once', () => {
  using retries = open();
  retries.failed('a');
  retries.failed('b');
  expect(retries.waitMs('a', retry)).toBe(restMs);
  retries.succeeded('c');
  expect(woken).toEqual(['a', 'b']);
  expect(retries.waitMs('a', retry)).toBe(0);
  expect(retries.waitMs('a', retry)).toBe(restMs);
});

test('what an earlier process saw failing is forgiven too', () => {
  using retries = open();
  expect(retries.waitMs('from before', retry)).toBe(restMs);
  retries.succeeded('another');
  expect(retries.waitMs('from before', retry)).toBe(0);
});

test('a failure after it was forgiven waits again, and what is gone is not woken', () => {
  using retries = open();
  retries.failed('a');
  retries.succeeded('b');
  retries.failed('a');
  expect(retries.waitMs('a', retry)).toBe(restMs);
  retries.forget('a');
  retries.succeeded('b');
  expect(woken).toEqual(['a']);
});

test('a probe that works forgives only after one that did not', async () => {
  using retries = open();
  retries.failed('a');
  await vi.advanceTimersByTimeAsync(10_000);
  expect([probes, woken], 'one probe is enough for an engine that answers').toEqual([1, []]);
  isDown = true;
  retries.failed('a');
  await vi.advanceTimersByTimeAsync(10_000);
  expect([probes, woken]).toEqual([6, []]);
  isDown = false;
  await vi.advanceTimersByTimeAsync(2000);
  expect([probes, woken]).toEqual([7, ['a']]);
});

test('nothing is probed where nothing waits, nor after the end', async () => {
  const retries = open();
  retries.succeeded('a');
  expect(retries.waitMs('a', undefined)).toBe(0);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(probes).toBe(0);
  isDown = true;
  retries.failed('a');
  await vi.advanceTimersByTimeAsync(2000);
  retries[Symbol.dispose]();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(probes).toBe(1);
});
