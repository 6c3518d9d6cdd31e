import fc from 'fast-check';
import { expect, test } from 'vitest';
import { balance } from './balance.ts';

test('members share the partitions, whoever had them before', () => {
  const arbitrary = fc.record({
    owners: fc.array(fc.option(fc.nat(8), { nil: undefined }), { maxLength: 40 }),
    members: fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 8 }),
  });
  fc.assert(
    fc.property(arbitrary, ({ owners, members }) => {
      const next = balance(owners, members);
      expect(next).toHaveLength(owners.length);
      const counts = members.map((member) => next.filter((owner) => owner === member).length);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(owners.length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      // Nobody gives a partition away who does not have to.
      members.forEach((member, index) => {
        const had = owners.filter((owner) => owner === member).length;
        const kept = next.filter((owner, partition) => owner === member && owners[partition] === member).length;
        expect(kept).toBe(Math.min(had, counts[index] ?? 0));
      });
      expect(balance(next, members)).toEqual(next);
    }),
  );
});

test('without members nobody owns anything', () => {
  expect(balance([1, undefined], [])).toEqual([undefined, undefined]);
});
