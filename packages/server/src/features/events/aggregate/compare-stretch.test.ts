import type { SeriesType } from '@sluice/contract/event-series';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareStretch } from './compare-stretch.ts';

const types = ['low', 'high'] as const satisfies readonly SeriesType[];
const record = fc.record({
  routes: fc.constantFrom<SeriesType[]>([], ['low'], ['high'], ['low', 'high']),
  low: fc.integer({ min: 0, max: 3 }),
  high: fc.integer({ min: 0, max: 3 }),
});

it('tells of every record what is wrong with it, in one way', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 30 }), fc.nat(30), fc.nat(30), (records, lowTo, highTo) => {
      const handledTo = new Map<SeriesType, number>([
        ['low', lowTo],
        ['high', highTo],
      ]);
      const result = compareStretch(
        {
          partition: 3,
          expected: new Map(records.flatMap(({ routes }, offset) => (routes.length > 0 ? [[offset, routes]] : []))),
          stored: new Map(types.map((type) => [type, records.flatMap((one, offset) => Array(one[type]).fill(offset))])),
          handledTo,
        },
        1000,
      );
      const wanted = records.flatMap(({ routes, low, high }, offset) => {
        const stored = { low, high };
        const isInBoth = low > 0 && high > 0 && routes.length < 2;
        const ofType = types.flatMap((type) => {
          const isMissing = routes.includes(type) && stored[type] === 0 && offset < (handledTo.get(type) ?? 0);
          const isStray = !routes.includes(type) && stored[type] > 0 && !isInBoth;
          const doubles = Array.from({ length: Math.max(0, stored[type] - 1) }, () => ({ kind: 'double', type, offset }));
          return [
            ...(isMissing ? [{ kind: 'missing', type, offset }] : []),
            ...(isStray ? [{ kind: 'stray', type, offset }] : []),
            ...doubles,
          ];
        });
        return [...(isInBoth ? [{ kind: 'inBoth', type: null, offset }] : []), ...ofType];
      });
      const inOrder = (findings: readonly object[]) => findings.map((one) => JSON.stringify(one)).sort();
      expect(inOrder(result.findings.map(({ kind, type, offset }) => ({ kind, type, offset })))).toEqual(inOrder(wanted));
      for (const { type, expected, stored, missing, double, stray, pending } of result.tallies) {
        const kinds = wanted.filter((one) => one.type === type);
        expect([missing, double, stray]).toEqual(
          ['missing', 'double', 'stray'].map((kind) => kinds.filter((one) => one.kind === kind).length),
        );
        expect(expected).toBe(records.filter(({ routes }) => routes.includes(type)).length);
        expect(stored).toBe(records.reduce((sum, one) => sum + one[type], 0));
        const isHere = records.filter((one) => one.routes.includes(type) && one[type] > 0).length;
        expect(pending).toBe(expected - missing - isHere);
      }
      expect(result.inBoth).toBe(wanted.filter(({ kind }) => kind === 'inBoth').length);
    }),
  );
});

it('names as many findings as it may, and counts all', () => {
  const expected = new Map([1, 2, 3].map((offset) => [offset, ['low'] as const]));
  const { tallies, findings } = compareStretch(
    { partition: 0, expected, stored: new Map([['low', []]]), handledTo: new Map([['low', 9]]) },
    2,
  );
  expect(tallies).toMatchObject([{ type: 'low', missing: 3 }]);
  expect(findings).toEqual([1, 2].map((offset) => ({ kind: 'missing', type: 'low', partition: 0, offset })));
});
