import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteBudget } from './byte-budget.ts';

test('refuses what does not fit, in bytes and in items, and takes it once there is room', () => {
  const budget = new ByteBudget({ maxBytes: 100, maxItems: 3 });
  expect(budget.reserve(60, 1)).toBe(true);
  expect(budget.reserve(41, 1)).toBe(false);
  expect(budget.reserve(40, 1)).toBe(true);
  expect(budget.reserve(0, 2)).toBe(false);
  budget.release(60, 1);
  expect(budget.reserve(60, 2)).toBe(true);
  expect([budget.bytes, budget.items]).toEqual([100, 3]);
});

test('what is larger than the whole budget is taken when nothing else is', () => {
  const budget = new ByteBudget({ maxBytes: 10, maxItems: 1 });
  expect(budget.reserve(1000, 1)).toBe(true);
  expect(budget.reserve(1, 0)).toBe(false);
  budget.release(1000, 1);
  expect(budget.reserve(1, 1)).toBe(true);
});

test('it holds exactly what was taken and not given back, over the limit only for a single one', () => {
  const step = fc.record({ bytes: fc.nat(60), items: fc.integer({ min: 1, max: 4 }), giveBack: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const budget = new ByteBudget({ maxBytes: 100, maxItems: 8 });
      const held: { bytes: number; items: number }[] = [];
      for (const { bytes, items, giveBack } of steps) {
        const gone = giveBack ? held.shift() : undefined;
        if (gone) budget.release(gone.bytes, gone.items);
        else if (budget.reserve(bytes, items)) held.push({ bytes, items });
        expect(budget.bytes).toBe(held.reduce((sum, one) => sum + one.bytes, 0));
        expect(budget.items).toBe(held.reduce((sum, one) => sum + one.items, 0));
        if (held.length > 1) expect(budget.bytes <= 100 && budget.items <= 8).toBe(true);
      }
    }),
  );
});
