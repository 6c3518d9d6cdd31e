import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlabBudget, type SlabUse } from './slab-budget.ts';

const slabBytes = 64;

test('replay leaves a quarter to order, and order may have everything', () => {
  const budget = new SlabBudget({ maxBytes: 16 * slabBytes + 1, slabBytes });
  expect(Array.from({ length: 16 }, () => budget.acquire('replay') !== undefined).filter(Boolean)).toHaveLength(12);
  expect(Array.from({ length: 16 }, () => budget.acquire('order') !== undefined).filter(Boolean)).toHaveLength(4);
  expect([budget.held('replay'), budget.held('order'), budget.isShort]).toEqual([12, 4, true]);
});

test('what may still be read is not given out again', () => {
  const budget = new SlabBudget({ maxBytes: 4 * slabBytes, slabBytes });
  const reused = budget.acquire('order')!;
  budget.release('order', reused);
  const read = budget.acquire('order')!;
  expect(read).toBe(reused);
  budget.release('order', read, 'forget');
  expect(budget.acquire('order')).not.toBe(read);
});

test('spares make room for a large payload', () => {
  const budget = new SlabBudget({ maxBytes: 4 * slabBytes, slabBytes });
  for (const slab of [budget.acquire('order')!, budget.acquire('order')!]) budget.release('order', slab);
  expect(budget.allocated).toBe(2);
  expect(budget.acquire('order', 3 * slabBytes)).toHaveLength(3 * slabBytes);
  expect(budget.allocated).toBe(4);
});

test('it never has more in memory than it may, and counts what is held', () => {
  const step = fc.record({
    use: fc.constantFrom<SlabUse>('order', 'replay'),
    bytes: fc.integer({ min: 1, max: 300 }),
    isRelease: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const budget = new SlabBudget({ maxBytes: 10 * slabBytes, slabBytes });
      const held: { use: SlabUse; slab: Uint8Array }[] = [];
      for (const { use, bytes, isRelease } of steps) {
        const given = isRelease ? held.shift() : undefined;
        if (given) budget.release(given.use, given.slab);
        const slab = isRelease ? undefined : budget.acquire(use, bytes);
        if (slab) {
          expect(slab.length).toBeGreaterThanOrEqual(bytes);
          expect(held.some((other) => other.slab === slab)).toBe(false);
          held.push({ use, slab });
        }
        const slabs = held.reduce((sum, one) => sum + one.slab.length / slabBytes, 0);
        expect(budget.held('order') + budget.held('replay')).toBe(slabs);
        expect(budget.allocated).toBeGreaterThanOrEqual(slabs);
        expect(budget.allocated).toBeLessThanOrEqual(10);
      }
    }),
  );
});
