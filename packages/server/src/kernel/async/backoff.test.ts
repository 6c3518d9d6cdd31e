import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';

function manualClock() {
  const clock = { time: 0, now: () => clock.time, monotonic: () => clock.time };
  return clock;
}

test('grows by the factor up to the cap', () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1000, jitter: 0 });
  expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
});

test('a success that held resets, one that did not hold does not', () => {
  const clock = manualClock();
  const backoff = new Backoff({ initialMs: 100, maxMs: 1000, jitter: 0, holdMs: 50, clock });
  backoff.next();
  backoff.next();
  backoff.succeeded();
  clock.time += 49;
  expect(backoff.next()).toBe(400);
  backoff.succeeded();
  clock.time += 30;
  backoff.succeeded();
  clock.time += 20;
  expect(backoff.next()).toBe(100);
});

test('an explicit reset needs no holding', () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1000, jitter: 0, holdMs: 1e9 });
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(100);
});

test('a wait stays between its jittered minimum and the cap', () => {
  const fraction = fc.double({ min: 0, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(fraction, fraction, fc.array(fraction, { minLength: 1, maxLength: 20 }), (jitter, first, rest) => {
      const randoms = [first, ...rest];
      let used = 0;
      const backoff = new Backoff({ initialMs: 10, maxMs: 5000, jitter, random: () => randoms[used++]! });
      for (let attempt = 0; attempt < randoms.length; attempt += 1) {
        const full = Math.min(10 * 2 ** attempt, 5000);
        const waitMs = backoff.next();
        expect(waitMs).toBeLessThanOrEqual(full);
        expect(waitMs).toBeGreaterThanOrEqual(full * (1 - jitter));
      }
    }),
  );
});
