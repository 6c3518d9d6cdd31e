import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bucketFunctions } from '../../../engines/series/series-store.ts';
import { foldBuckets } from './fold-buckets.ts';

it('folds the units of a store into buckets as if the store had been asked for these', () => {
  const amounts = fc.array(fc.record({ timeMs: fc.integer({ min: 0, max: 99 }), amount: fc.integer({ min: -1000, max: 1000 }) }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(amounts, fc.constantFrom(...bucketFunctions), fc.constantFrom([0, 30, 50, 90], [20, 40]), (points, fn, starts) => {
      const figure = (fromMs: number, toMs: number) => {
        const inside = points.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs).map(({ amount }) => amount);
        const sum = inside.reduce((total, amount) => total + amount, 0);
        const of = { count: inside.length, sum, avg: sum / inside.length, min: Math.min(...inside), max: Math.max(...inside) };
        return { startMs: fromMs, count: inside.length, value: inside.length === 0 ? 0 : of[fn] };
      };
      const units = Array.from({ length: 10 }, (_, index) => figure(index * 10, index * 10 + 10)).filter(({ count }) => count > 0);
      const folded = foldBuckets({ starts, endMs: 100 }, units, fn);
      expect(folded).toHaveLength(starts.length);
      for (const [index, { count, value }] of folded.entries()) {
        const whole = figure(starts[index] ?? 0, starts[index + 1] ?? 100);
        expect(count).toBe(whole.count);
        expect(value).toBeCloseTo(whole.value, 6);
      }
    }),
  );
});
