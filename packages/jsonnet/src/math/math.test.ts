import fc from 'fast-check';
import { expect, test } from 'vitest';
import { power, split } from './power.ts';
import { acos, asin, atan, atan2, cos, sin, tan } from './trigonometry.ts';

const near = (actual: number, wanted: number) =>
  expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(wanted)));

test('Sine and its relatives are those of JavaScript but for the last digits', () => {
  fc.assert(
    fc.property(fc.double({ min: -1000, max: 1000, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true }), (x, y) => {
      near(sin(x), Math.sin(x));
      near(cos(x), Math.cos(x));
      near(atan(x), Math.atan(x));
      // A quotient that is no number any more loses the sign, in Go too.
      if (Math.abs(y) > 1e-300) near(atan2(y, x), Math.atan2(y, x));
      near(asin(y), Math.asin(y));
      near(acos(y), Math.acos(y));
      near(tan(y), Math.tan(y));
    }),
  );
});

/** Where JavaScript's last digit is another one. */
test.each([
  [power(1e154, 2), 1e308],
  [power(2, -1074), 5e-324],
  [power(-2, 3), -8],
  [power(4, -0.5), 0.5],
  [power(10, -3), 0.001],
  [power(-1, 0.5), Number.NaN],
  [power(0, -1), Number.POSITIVE_INFINITY],
])('%d is %d', (actual, wanted) => {
  if (Number.isNaN(wanted)) expect(actual).toBeNaN();
  else expect(Math.abs(actual - wanted) <= Math.abs(wanted) * 1e-15 || actual === wanted).toBe(true);
});

test('A number is its mantissa times a power of two', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
      const { mantissa, exponent } = split(x);
      const half = Math.trunc(exponent / 2);
      expect(mantissa * 2 ** half * 2 ** (exponent - half)).toBe(x);
      if (x !== 0) expect(Math.abs(mantissa) >= 0.5 && Math.abs(mantissa) < 1).toBe(true);
    }),
  );
});
