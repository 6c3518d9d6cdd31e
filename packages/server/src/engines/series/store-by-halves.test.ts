import fc from 'fast-check';
import { expect, it } from 'vitest';
import { storeByHalves } from './store-by-halves.ts';

it('stores all good items and tells the bad ones by index, in few attempts', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 200 }), async (areBad) => {
      const stored = new Set<number>();
      let attempts = 0;
      const refused = await storeByHalves(areBad.length, async (from, to) => {
        attempts += 1;
        if (areBad.slice(from, to).includes(true)) return { reason: 'rejected', text: `bad in ${from}..${to}` };
        for (let index = from; index < to; index += 1) stored.add(index);
        return undefined;
      });
      const bad = areBad.flatMap((isBad, index) => (isBad ? [index] : []));
      expect(refused).toEqual(bad.map((index) => ({ index, reason: 'rejected', text: `bad in ${index}..${index + 1}` })));
      expect(stored.size).toBe(areBad.length - bad.length);
      expect(attempts).toBeLessThanOrEqual(1 + 2 * bad.length * Math.ceil(Math.log2(areBad.length + 1)));
    }),
  );
});
