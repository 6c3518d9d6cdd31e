import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomId } from './random-id.ts';

test('has the asked length and letters', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 64 }), (length) => {
      expect(randomId(length)).toMatch(new RegExp(`^[0-9a-zA-Z]{${length}}$`));
    }),
  );
});

test('every letter comes from the same number of byte values', () => {
  const counts = new Map<string, number>();
  for (let byte = 0; byte < 256; byte += 1) {
    let asked = 0;
    const letter = randomId(1, (count) => new Uint8Array(count).fill(asked++ === 0 ? byte : 0));
    if (asked === 1) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    else expect(byte).toBeGreaterThanOrEqual(248);
  }
  expect(counts.size).toBe(62);
  expect([...new Set(counts.values())]).toEqual([4]);
});

test('does not repeat itself', () => {
  expect(randomId(48)).not.toBe(randomId(48));
});
