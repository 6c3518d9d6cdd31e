import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvRows, csvSamples, encodeCsvRows } from '../../../test/support/csv-arbitrary.ts';
import { readStrictCsv } from '../../../test/support/strict-csv.ts';
import { CsvRow } from './csv.ts';

function rowOf(...fields: readonly (string | Uint8Array)[]): CsvRow {
  const row = new CsvRow();
  for (const field of fields) row.add(Buffer.from(field));
  return row;
}

test('quotes every field and doubles quotes', () => {
  expect(rowOf('2000-01-01T02:00:00.000Z', '"def"').encode().toString()).toBe('"2000-01-01T02:00:00.000Z","""def"""\n');
  expect(rowOf('').encode().toString()).toBe('""\n');
  expect(rowOf('a\r\nb', ',', '"').encode().toString()).toBe('"a\r\nb",",",""""\n');
});

test('comes back byte for byte', () => {
  const samples = csvSamples.map((sample) => [sample, sample]);
  expect(readStrictCsv(encodeCsvRows(samples))).toEqual(samples);
  fc.assert(
    fc.property(csvRows(3), (rows) => {
      expect(readStrictCsv(encodeCsvRows(rows))).toEqual(rows);
    }),
    { numRuns: 500 },
  );
});

test('knows its size before it is written', () => {
  fc.assert(
    fc.property(csvRows(4), (rows) => {
      for (const fields of rows) {
        const row = rowOf(...fields);
        expect(row.size).toBe(row.encode().length);
      }
    }),
  );
});

test('shows the fields as text', () => {
  expect(rowOf('a"b', Buffer.from([0x61, 0xff]), '').values()).toEqual(['a"b', 'a\ufffd', '']);
  const larger = Buffer.from('xxabcxx');
  const row = new CsvRow();
  row.add(larger.subarray(2, 5));
  expect(row.values()).toEqual(['abc']);
});
