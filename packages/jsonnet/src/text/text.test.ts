import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allPoints, comparePoints, pointAt, pointLength, pointSlice } from './code-points.ts';
import { quoteRune, quoteString } from './go-quote.ts';
import { printGoFloat, printNumber, printShortest } from './numbers.ts';
import { quoteGoJson, quoteJson } from './quote.ts';
import { decodeUtf8 } from './utf8.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 });

test('Strings are sequences of code points', () => {
  fc.assert(
    fc.property(text, fc.nat(45), fc.nat(45), (value, from, to) => {
      const points = [...value];
      expect(pointLength(value)).toBe(points.length);
      expect(allPoints(value)).toEqual(points);
      expect(pointSlice(value, from, to)).toBe(points.slice(from, to).join(''));
      for (const [index, point] of points.entries()) expect(pointAt(value, index)).toBe(point);
    }),
  );
});

test('Strings are ordered by code points', () => {
  const codes = (value: string) => [...value].map((point) => point.codePointAt(0) ?? 0);
  fc.assert(
    fc.property(text, text, (left, right) => {
      const [a, b] = [codes(left), codes(right)];
      const at = a.findIndex((code, index) => code !== b[index]);
      const expected = at < 0 ? a.length - b.length : at >= b.length ? 1 : (a[at] ?? 0) - (b[at] ?? 0);
      expect(comparePoints(left, right)).toBe(Math.sign(expected));
    }),
  );
  expect(comparePoints('\uffff', '\u{1f600}')).toBe(-1);
});

test.each([
  [0, '0'],
  [-0, '-0'],
  [42.1, '42.100000000000001'],
  [1e-5, '1.0000000000000001e-05'],
  [0.0001, '0.0001'],
  [1e21, '1000000000000000000000'],
  [123456789012345680000, '123456789012345683968'],
  [5e-324, '4.9406564584124654e-324'],
  [1.5, '1.5'],
])('%d prints as %s', (value, printed) => {
  expect(printNumber(value)).toBe(printed);
});

test('Printed numbers read back as they were', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Number(printNumber(value))).toBe(value);
      expect(Number(printShortest(value))).toBe(value);
      expect(printShortest(value)).not.toContain('e');
      expect(Number(printGoFloat(value))).toBe(value);
    }),
  );
});

test.each([
  [1e6, '1e+06'],
  [100000, '100000'],
  [1234567.5, '1.2345675e+06'],
  [-0.00001, '-1e-05'],
  [1.5, '1.5'],
])('%d is %s in messages', (value, printed) => {
  expect(printGoFloat(value)).toBe(printed);
});

test('JSON strings read back as they were', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(JSON.parse(quoteJson(value))).toBe(value);
      expect(JSON.parse(quoteGoJson(value))).toBe(value);
    }),
  );
  expect(quoteJson('\u007f\u0085\u2028"\\\n')).toBe('"\\u007f\\u0085\u2028\\"\\\\\\n"');
  expect(quoteGoJson('\u007f\u2028')).toBe('"\u007f\\u2028"');
});

test('Names in stack lines and characters in messages are quoted as Go does', () => {
  expect(quoteString('a"b\n\u00e9\u0001')).toBe('"a\\"b\\n\u00e9\\x01"');
  expect([quoteRune("'"), quoteRune('\u00e9'), quoteRune(''), quoteRune('\u{1f600}')]).toEqual([
    "'\\''",
    "'\\u00e9'",
    "'\\ufffd'",
    "'\\U0001f600'",
  ]);
});

test('Each byte that is no text becomes a replacement character', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(decodeUtf8(Buffer.from(value))).toBe(value);
    }),
  );
  expect(decodeUtf8(Buffer.from([0x61, 0xe2, 0x82, 0x62, 0xff]))).toBe('a\ufffd\ufffdb\ufffd');
});
