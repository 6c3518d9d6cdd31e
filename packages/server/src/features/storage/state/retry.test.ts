import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextRetry, type Retry, retrySchema } from './retry.ts';

const now = '2026-06-24T10:00:00.000Z';
const delayOf = ({ lastFailedAt, after }: Retry): number => Date.parse(after) - Date.parse(lastFailedAt);

function delays(count: number, random: number): number[] {
  const all: number[] = [];
  let retry: Retry | undefined;
  for (let attempt = 0; attempt < count; attempt += 1) {
    retry = nextRetry(retry, { now, reason: 'down', random });
    all.push(delayOf(retry));
  }
  return all;
}

test('waits double from 1 s up to 5 min', () => {
  expect(delays(11, 0.5)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]);
});

test('jitter is a tenth in both directions', () => {
  expect(delays(1, 0)).toEqual([900]);
  expect(delays(1, 0.999999)[0]).toBe(1100);
});

test('however often it failed, the record is valid and the wait between 0.9 s and 5.5 min', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100_000 }),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      fc.string(),
      (attempts, random, reason) => {
        const last = attempts === 0 ? undefined : { attempt: attempts, reason: '', firstFailedAt: now, lastFailedAt: now, after: now };
        const retry = nextRetry(last, { now, reason, random });
        expect(retrySchema.parse(retry)).toEqual(retry);
        expect(retry.attempt).toBe(attempts + 1);
        expect(delayOf(retry)).toBeGreaterThanOrEqual(900);
        expect(delayOf(retry)).toBeLessThanOrEqual(330_000);
      },
    ),
  );
});

test('the first failure is remembered, the last reason shown, cut to a thousand characters', () => {
  const first = nextRetry(undefined, { now, reason: 'down', random: 0 });
  const later = '2026-06-24T10:05:00.000Z';
  expect(nextRetry(first, { now: later, reason: 'x'.repeat(5000), random: 0 })).toMatchObject({
    attempt: 2,
    firstFailedAt: now,
    lastFailedAt: later,
    reason: 'x'.repeat(1000),
  });
});
