import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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

describe('fields in which quotes are far apart, or close here and far there', () => {
  const doubled = (field: Buffer) => `"${field.toString('latin1').replaceAll('"', '""')}"\n`;
  const written = (field: Uint8Array) => {
    const row = new CsvRow();
    row.add(field);
    return row.encode().toString('latin1');
  };

  test('a quote at every position, alone and with one before it', () => {
    for (const length of [63, 64, 65, 130]) {
      for (let at = 0; at < length; at += 1) {
        for (const first of [at, 0, Math.max(0, at - 1), Math.max(0, at - 64)]) {
          const field = Buffer.alloc(length, 'x');
          field[at] = field[first] = 0x22;
          expect(written(field)).toBe(doubled(field));
        }
      }
    }
  });

  test('runs of quotes with gaps of any length, in any memory', () => {
    const gaps = fc.oneof(fc.nat(3), fc.integer({ min: 60, max: 68 }), fc.integer({ min: 1020, max: 1030 }), fc.nat(3000));
    fc.assert(
      fc.property(fc.array(gaps, { maxLength: 12 }), fc.array(gaps, { maxLength: 12 }), fc.nat(7), (gapsBefore, gapsBehind, offset) => {
        const dense = '"x'.repeat(gapsBefore.length * 60);
        const text = [...gapsBefore.map((gap) => 'x'.repeat(gap)), dense, ...gapsBehind.map((gap) => 'y'.repeat(gap))].join('"');
        const memory = Buffer.concat([Buffer.alloc(offset, '"'), Buffer.from(text), Buffer.alloc(9, '"')]);
        const field = memory.subarray(offset, offset + text.length);
        expect(written(field) === doubled(field)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
