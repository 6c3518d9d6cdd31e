import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OpenItems } from './open-items.ts';

it('holds what was added and not taken out, in any order of adding and taking out', () => {
  const steps = fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (numbers) => {
      const items = new OpenItems<number>();
      const open: { item: number; remove: () => void }[] = [];
      for (const number of numbers) {
        if (number >= 0 || open.length === 0) open.push({ item: number, remove: items.add(number) });
        else open.splice(-number % open.length, 1)[0]?.remove();
        const expected = open.map(({ item }) => item);
        expect(items.size).toBe(expected.length);
        expect([...items.list()].sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
      }
    }),
  );
});

it('lists what is open now, whatever is taken out while somebody goes through it', () => {
  const items = new OpenItems<number>();
  const removals = [1, 2, 3].map((item) => items.add(item));
  const seen: number[] = [];
  for (const item of items.list()) {
    removals[item - 1]?.();
    seen.push(item);
  }
  expect(seen).toEqual([1, 2, 3]);
  expect(items.size).toBe(0);
});
