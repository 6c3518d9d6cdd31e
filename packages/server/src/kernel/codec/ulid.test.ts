import { expect, test } from 'vitest';
import { ulid } from './ulid.ts';

test('begins with the time, in the letters of Crockford', () => {
  // The example of the ULID specification.
  expect(ulid(1_469_918_176_385).slice(0, 10)).toBe('01ARYZ6S41');
  expect(ulid(0, () => new Uint8Array(16))).toBe('0'.repeat(26));
  expect(ulid(2 ** 48 - 1, () => new Uint8Array(16).fill(255))).toBe(`7${'Z'.repeat(25)}`);
});

test('sorts by time and differs within it', () => {
  const ids = Array.from({ length: 1000 }, (_, index) => ulid(1_700_000_000_000 + Math.floor(index / 10)));
  expect(new Set(ids).size).toBe(1000);
  const times = ids.map((id) => id.slice(0, 10));
  expect([...times].sort()).toEqual(times);
});
