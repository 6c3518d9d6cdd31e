import fc from 'fast-check';
import { CsvRow } from '../../src/features/mapping/csv.ts';

/** Fields that loaders get wrong: each is to come back byte for byte (invalid UTF-8 as U+FFFD). */
export const csvSamples: readonly Buffer[] = [
  ...[
    '',
    '"',
    '""',
    '","',
    '"\n"',
    ',',
    '\n',
    '\r',
    '\r\n',
    '\n\n',
    ' ',
    ' a ',
    '\t',
    '\\',
    '\\"',
    '\\n',
    '\\N',
    'NULL',
    'null',
    "'",
    'é',
    '😀',
    '\u2028',
    '\ufeff',
    '\ufffd',
    '\0',
    'a\0b',
    '=1+1',
    '#',
    '\x1a',
    '\x7f',
  ].map((text) => Buffer.from(text)),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  ...Array.from({ length: 256 }, (_, byte) => Buffer.from([byte])),
  Buffer.alloc(64, '"'),
  Buffer.from(`"${'a'.repeat(200)}"${'b'.repeat(200)}`),
  Buffer.from([0xe2, 0x82]),
  Buffer.from([0xe2, 0x82, 0x22]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]),
];

const troubleByte = fc.constantFrom(0x22, 0x2c, 0x0a, 0x0d, 0x5c, 0x00, 0x20, 0xc3, 0xa9, 0xff);
const bytes = fc.array(fc.oneof(troubleByte, fc.integer({ min: 0, max: 255 })), { maxLength: 40 }).map((list) => Buffer.from(list));
/** Long enough for block copies between quotes. */
const longRuns = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.constantFrom('"', '', '\n')), { minLength: 1, maxLength: 6 })
  .map((runs) => Buffer.from(runs.map(([length, end]) => `${'x'.repeat(length)}${end}`).join('')));

/** Any bytes, with a liking for those that matter in CSV. */
export const csvField: fc.Arbitrary<Buffer> = fc.oneof(fc.constantFrom(...csvSamples), bytes, longRuns);

/** Rows of that many fields. */
export const csvRows = (columns: number): fc.Arbitrary<Buffer[][]> =>
  fc.array(fc.array(csvField, { minLength: columns, maxLength: columns }), { maxLength: 10 });

/** The rows as the product writes them. */
export function encodeCsvRows(rows: readonly (readonly Uint8Array[])[]): Buffer {
  return Buffer.concat(
    rows.map((fields) => {
      const row = new CsvRow();
      for (const field of fields) row.add(field);
      return row.encode();
    }),
  );
}
