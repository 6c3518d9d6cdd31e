import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

test.each([
  ['300ms', 300],
  ['1m20s', 80_000],
  ['1h', 3_600_000],
  ['1h0m0s', 3_600_000],
  ['-1.5h', -5_400_000],
  ['+5s', 5000],
  ['.5s', 500],
  ['5.s', 5000],
  ['0', 0],
  ['1.5ms', 1.5],
  ['2us', 0.002],
  ['2µs', 0.002],
  ['1ns', 0.000001],
  ['1s1s', 2000],
])('reads %s', (text, ms) => {
  expect(parseDuration(text)).toEqual({ ok: true, value: ms });
});

test.each([
  ['foo', 'time: invalid duration "foo"'],
  ['', 'time: invalid duration ""'],
  ['-', 'time: invalid duration "-"'],
  ['.s', 'time: invalid duration ".s"'],
  ['5', 'time: missing unit in duration "5"'],
  ['1h5', 'time: missing unit in duration "1h5"'],
  ['5d', 'time: unknown unit "d" in duration "5d"'],
  ['5 s', 'time: unknown unit " s" in duration "5 s"'],
  ['1s2.3.4s', 'time: missing unit in duration "1s2.3.4s"'],
  ['3000000h', 'time: invalid duration "3000000h"'],
])('refuses %j', (text, reason) => {
  expect(parseDuration(text)).toEqual({ ok: false, reason });
});

test.each([
  [0, '0s'],
  [45_000, '45s'],
  [60_000, '1m0s'],
  [1_800_000, '30m0s'],
  [86_400_000, '24h0m0s'],
  [300, '300ms'],
  [1500, '1.5s'],
  [1.5, '1.5ms'],
  [0.0025, '2.5µs'],
  [0.000007, '7ns'],
  [-80_000, '-1m20s'],
])('writes %d ms as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('reads what it writes, to the millisecond', () => {
  const limit = 9_000_000_000_000;
  fc.assert(
    fc.property(fc.integer({ min: -limit, max: limit }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, value: ms });
    }),
  );
});

test('reads what it writes, to the nanosecond', () => {
  const limit = 100_000_000_000;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: limit }), (ns) => {
      const text = formatDuration(ns / 1e6);
      const again = parseDuration(text);
      expect(again.ok && Math.round(again.value * 1e6)).toBe(ns);
    }),
  );
});

test('any text is answered, never thrown at', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(typeof parseDuration(text).ok).toBe('boolean');
    }),
  );
});
