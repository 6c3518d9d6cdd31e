import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tableNameOf, tableSpaceOf } from './table-name.ts';

test('the tables of each branch have a namespace of their own', () => {
  expect(tableSpaceOf({ projectId: 7, branchId: 1 })).toBe('7');
  expect(tableSpaceOf({ projectId: 7, branchId: 12 })).toBe('7-12');
  const branch = fc.record({ projectId: fc.integer({ min: 1, max: 30 }), branchId: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(branch, branch, (one, other) => {
      const isSame = one.projectId === other.projectId && one.branchId === other.branchId;
      expect(tableSpaceOf(one) === tableSpaceOf(other)).toBe(isSame);
    }),
  );
});

test('a table id is a schema and a table', () => {
  expect(tableNameOf({ projectId: 1, branchId: 2 }, 'in.c-shop.orders')).toEqual({ project: '1-2', schema: 'in.c-shop', name: 'orders' });
});
