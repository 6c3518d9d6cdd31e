import { describe, expect, it } from 'vitest';
import { parseTableId } from './table-id.ts';

describe('table id', () => {
  it('has stage, bucket and table', () => {
    expect(parseTableId('in.c-orders.raw')).toEqual({ stage: 'in', bucket: 'c-orders', table: 'raw' });
  });

  it.each([
    ['', 'expected "<stage>.<bucket>.<table>", found 1 parts'],
    ['in.b.t.x', 'expected "<stage>.<bucket>.<table>", found 4 parts'],
    ['in..t', 'stage, bucket and table must not be empty'],
    ['in.b.', 'stage, bucket and table must not be empty'],
    ['IN.b.t', 'stage must be one of "in", "out", "sys", found "IN"'],
    ['in.b.\0', 'it has a character that no table name can hold'],
  ])('refuses %j', (tableId, reason) => {
    expect(() => parseTableId(tableId)).toThrow(`Invalid "tableId" value "${tableId}": ${reason}`);
  });
});
