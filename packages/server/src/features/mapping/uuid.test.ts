import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUuidV7 } from './uuid.ts';

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const timeOf = (uuid: string): number => Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16);
const counterOf = (uuid: string): number => Number.parseInt(uuid.slice(15, 18), 16);

test('has the bits of RFC 9562 in their places', () => {
  const random = (target: Uint8Array): void => {
    for (const index of target.keys()) target[index] = index * 0x11;
  };
  const uuid = createUuidV7({ clock: { now: () => 0x0123_4567_89ab }, random });
  expect(uuid()).toBe('01234567-89ab-7000-8011-223344556677');
  expect(uuid()).toBe('01234567-89ab-7001-8899-aabbccddeeff');
});

test('ascends, whatever the clock does', () => {
  const steps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -5, max: 5 }), fc.double({ min: -1e6, max: 1e6, noNaN: true })), {
    minLength: 1,
  });
  fc.assert(
    fc.property(steps, (list) => {
      let now = 1_700_000_000_000;
      const uuid = createUuidV7({ clock: { now: () => now } });
      let last = uuid();
      for (const step of list) {
        now += step;
        const next = uuid();
        expect(next).toMatch(form);
        expect(next > last).toBe(true);
        expect(timeOf(next)).toBe(Math.max(Math.floor(now), timeOf(last)));
        last = next;
      }
    }),
  );
});

test('takes the next millisecond when the counter is used up', () => {
  let now = 1_700_000_000_000;
  const uuid = createUuidV7({ clock: { now: () => now } });
  const uuids = Array.from({ length: 3 * 4096 + 1 }, uuid);
  expect(uuids.map(timeOf)).toEqual(uuids.map((_, index) => now + Math.floor(index / 4096)));
  expect(uuids.map(counterOf)).toEqual(uuids.map((_, index) => index % 4096));
  expect(uuids.slice(1).every((next, index) => next > (uuids[index] ?? ''))).toBe(true);

  now += 2;
  expect(timeOf(uuid())).toBe(now + 1);
  now += 2;
  const later = uuid();
  expect([timeOf(later), counterOf(later)]).toEqual([now, 0]);
});

test('fills every random bit from bytes that are used once', () => {
  const uuid = createUuidV7({ clock: { now: () => 0 } });
  const parts = Array.from({ length: 2000 }, () => uuid().slice(19));
  expect(new Set(parts).size).toBe(parts.length);
  for (const position of [0, 1, 2, 3, ...Array.from({ length: 12 }, (_, index) => index + 5)]) {
    const seen = new Set(parts.map((part) => part[position]));
    expect(seen.size, `digit ${position}`).toBe(position === 0 ? 4 : 16);
  }
});
