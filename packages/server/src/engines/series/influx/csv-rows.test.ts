import fc from 'fast-check';
import { expect, it } from 'vitest';
import { csvRecords, csvRows } from './csv-rows.ts';

it('reads what is written, with either line end and quotes where they are needed or everywhere', () => {
  const field = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é'), maxLength: 5 });
  const rows = fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(rows, fc.constantFrom('\n', '\r\n'), fc.boolean(), fc.boolean(), (given, end, isQuoted, endsOpen) => {
      const quote = (text: string) => (isQuoted || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      const text = given.map((row) => row.map(quote).join(',')).join(end);
      // Without an end behind it, an empty last field cannot be told from nothing.
      const last = given.at(-1)?.join('') === '' || !endsOpen ? end : '';
      expect(csvRows(given.length === 0 ? '' : text + last)).toEqual(given);
    }),
  );
});

it('names the fields by the first row', () => {
  expect(csvRecords(csvRows(',result,_value\r\n,_result,7\r\n,_result\r\n'))).toEqual([
    { '': '', result: '_result', _value: '7' },
    { '': '', result: '_result', _value: '' },
  ]);
  expect(csvRecords(csvRows(''))).toEqual([]);
});
