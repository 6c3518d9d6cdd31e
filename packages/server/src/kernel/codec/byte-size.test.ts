import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatByteSize, parseByteSize } from './byte-size.ts';

test.each([
  ['12MB', 12 * 1024 ** 2],
  ['1536KB', 1536 * 1024],
  ['100', 100],
  ['100B', 100],
  ['1 byte', 1],
  ['2k', 2048],
  ['2 kilobytes', 2048],
  ['1gB', 1024 ** 3],
  ['3 T', 3 * 1024 ** 4],
  ['4peta', 4 * 1024 ** 5],
  ['0e', 0],
])('reads %s', (text, bytes) => {
  expect(parseByteSize(text)).toEqual({ ok: true, value: bytes });
});

test.each(['', 'bar', '-1B', '1.5MB', '1XB', '1 KB B', 'MB', '１B'])('refuses %j', (text) => {
  expect(parseByteSize(text)).toEqual({ ok: false, reason: 'invalid syntax' });
});

test.each(['1Kb', '1Mb', '1 Gb', '1Tb', '1Pb', '1Eb'])('refuses the bits of %s', (text) => {
  expect(parseByteSize(text)).toMatchObject({ ok: false, reason: expect.stringContaining('bits') });
});

test('refuses what no exact number holds', () => {
  expect(parseByteSize('9PB')).toEqual({ ok: false, reason: 'value out of range' });
});

test.each([
  [0, '0B'],
  [100, '100B'],
  [1536 * 1024, '1536KB'],
  [12 * 1024 ** 2, '12MB'],
  [1024 ** 5, '1PB'],
])('writes %d as %s', (bytes, text) => {
  expect(formatByteSize(bytes)).toBe(text);
});

test('reads what it writes', () => {
  const exponent = fc.integer({ min: 0, max: 4 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8191 }), exponent, (amount, power) => {
      const bytes = amount * 1024 ** power;
      expect(parseByteSize(formatByteSize(bytes))).toEqual({ ok: true, value: bytes });
    }),
  );
});
