import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUtcFormatter, utcTime } from './utc-time.ts';

test('writes what the plain function writes, whatever came before', () => {
  const format = createUtcFormatter();
  const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
  const near = fc.integer({ min: -1500, max: 1500 });
  const start = fc.integer({ min: Date.UTC(0, 0, 1) + 1500, max: lastMs - 1500 });
  fc.assert(
    fc.property(start, fc.array(near, { minLength: 1, maxLength: 10 }), (first, steps) => {
      for (const step of [0, ...steps]) expect(format(first + step)).toBe(utcTime(first + step));
    }),
  );
});

test('has the fixed form of the APIs', () => {
  expect(utcTime(Date.UTC(2024, 1, 3, 4, 5, 6, 7))).toBe('2024-02-03T04:05:06.007Z');
});

test('cuts a fraction off', () => {
  expect(createUtcFormatter()(1999.9)).toBe('1970-01-01T00:00:01.999Z');
});
