import type { Column } from '@sluice/contract/mapping';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvField } from '../../../test/support/csv-arbitrary.ts';
import { readStrictCsv } from '../../../test/support/strict-csv.ts';
import { compileMapping, defaultMaxRowBytes } from './compile-mapping.ts';
import { type CompiledMapping, columnFaultMessage } from './mapping.ts';
import { IngestRecord } from './record.ts';

const json = 'application/json; charset=UTF-8';
const form = 'application/x-www-form-urlencoded';

function recordOf(body: string | Uint8Array, contentType = json): IngestRecord {
  const rawHeaders = ['Host', 'localhost', 'content-type', contentType, 'Authorization', 'secret'];
  return new IngestRecord({ receivedAt: Date.UTC(2000, 0, 1, 2), clientIp: '1.2.3.4', rawHeaders, body: Buffer.from(body) });
}

function mappingOf(columns: readonly Column[], maxRowBytes = defaultMaxRowBytes): CompiledMapping {
  let count = 0;
  return compileMapping(columns, { maxRowBytes, uuid: () => `uuid-${++count}` });
}

const pathColumn = (path: string, options: { rawString?: boolean; defaultValue?: string } = {}): Column => ({
  type: 'path',
  name: 'c',
  path,
  rawString: false,
  ...options,
});
const body: Column = { type: 'body', name: 'body' };

/** The one value, the same in row and preview, or the message of the fault. */
function renderedValue(column: Column, record: IngestRecord): string {
  const mapping = mappingOf([column]);
  const preview = mapping.preview(record);
  const row = mapping.render(record);
  if (!(row.ok && preview.ok)) {
    expect(row).toEqual(preview);
    return row.ok ? '' : columnFaultMessage(row);
  }
  const value = readStrictCsv(row.bytes)[0]?.[0]?.toString() ?? 'no field';
  expect(preview.values).toEqual([value]);
  return value;
}

test('renders every type of column, in order', () => {
  const types = ['uuid', 'datetime', 'ip', 'body', 'headers', 'uuid'] as const;
  const mapping = mappingOf([...types.map((type, index) => ({ type, name: `c${index}` })), pathColumn('a[0]')]);
  expect(mapping.columns).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c']);
  const row = mapping.render(recordOf('{"a":["x"]}'));
  const fields = ['uuid-1', '2000-01-01T02:00:00.000Z', '1.2.3.4', '{""a"":[""x""]}', `{""Content-Type"":""${json}""}`, 'uuid-2', '""x""'];
  expect(row.ok && row.bytes.toString()).toBe(`"${fields.join('","')}"\n`);
});

test('shows the values that it writes', () => {
  const mapping = mappingOf([{ type: 'datetime', name: 'd' }, body]);
  const record = recordOf('"def"');
  expect(mapping.preview(record)).toEqual({ ok: true, values: ['2000-01-01T02:00:00.000Z', '"def"'] });
});

const sample =
  '{"s":"a\\"b","u":"\\u00e9","n":1,"one":1.0,"e":1e3,"big":12345678901234567890,"f":42.1,"t":true,"z":null, "o" : {"b":1, "a":2},"r":[1,{"x":"y"}],"l":"<&>"}';

test.each([
  ['s', '"a\\"b"', 'a"b'],
  ['u', '"\\u00e9"', 'é'],
  ['n', '1', '1'],
  ['one', '1.0', '1.0'],
  ['e', '1e3', '1e3'],
  ['big', '12345678901234567890', '12345678901234567890'],
  ['f', '42.1', '42.1'],
  ['t', 'true', 'true'],
  ['z', 'null', 'null'],
  ['o', '{"b":1,"a":2}', '{"b":1,"a":2}'],
  ['r', '[1,{"x":"y"}]', '[1,{"x":"y"}]'],
  ['r[1].x', '"y"', 'y'],
  ['l', '"<&>"', '<&>'],
  ['', sample.replace('"o" : {"b":1, "a":2}', '"o":{"b":1,"a":2}').replace(', "o"', ',"o"'), undefined],
])('path %j gives %s, and %s as raw string', (path, value, raw) => {
  const record = recordOf(sample);
  expect(renderedValue(pathColumn(path, { defaultValue: 'unused' }), record)).toBe(value);
  expect(renderedValue(pathColumn(path, { rawString: true, defaultValue: 'unused' }), record)).toBe(raw ?? value);
});

test.each([
  ['def', '"def"'],
  ['', '""'],
  ['a"b\n', '"a\\"b\\n"'],
  ['<é>', '"<é>"'],
])('the default %j stands in for what is not found', (defaultValue, value) => {
  const record = recordOf(sample);
  for (const path of ['missing', 'n.x', 'r[2]', 'z.x']) {
    expect(renderedValue(pathColumn(path, { defaultValue }), record)).toBe(value);
    expect(renderedValue(pathColumn(path, { defaultValue, rawString: true }), record)).toBe(defaultValue);
  }
});

test('a form is a document as well', () => {
  const record = recordOf('a=1&b[]=x&b[]=<y>', form);
  expect(renderedValue(pathColumn('a'), record)).toBe('"1"');
  expect(renderedValue(pathColumn('b[1]', { rawString: true }), record)).toBe('<y>');
  expect(renderedValue(pathColumn(''), record)).toBe('{"a":"1","b":["x","<y>"]}');
});

test.each([
  ['unprocessableContent', 'path "a.b" not found in the body', recordOf('{}')],
  ['badRequest', 'cannot parse request json: unexpected end of the body', recordOf('{')],
  ['badRequest', 'cannot parse request json: the body is empty', recordOf('')],
  ['badRequest', 'invalid form data: invalid URL escape "%"', recordOf('a=%', form)],
  [
    'unsupportedMediaType',
    'unsupported content type "text/plain", supported types: application/json and application/x-www-form-urlencoded',
    recordOf('{}', 'text/plain'),
  ],
])('a fault is %s: %s', (code, reason, record) => {
  const fault = { ok: false, column: 'c', code, reason };
  expect(mappingOf([body, pathColumn('a.b')]).render(record)).toEqual(fault);
  if (code === 'unprocessableContent') return;
  expect(mappingOf([pathColumn('a.b', { defaultValue: 'no rescue' })]).preview(record)).toEqual(fault);
});

test('columns that need no parsed body take any body', () => {
  for (const record of [recordOf('{'), recordOf('', ''), recordOf('{}', 'text/plain')]) {
    expect(renderedValue(body, record)).toBe(record.body.toString());
  }
});

test('limits the row, and names the column that crossed the limit', () => {
  const columns: Column[] = [
    { type: 'ip', name: 'ip' },
    { ...body, name: 'first' },
    { ...body, name: 'second' },
  ];
  const size = '"1.2.3.4","a""a""","a""a"""\n'.length;
  const row = mappingOf(columns).render(recordOf('a"a"'));
  expect(row.ok && row.bytes.length).toBe(size);
  expect(mappingOf(columns, size).render(recordOf('a"a"')).ok).toBe(true);

  const fault = (column: string, limit: string): unknown => ({
    ok: false,
    column,
    code: 'payloadTooLarge',
    reason: `too big CSV row, column: "${column}", row limit: ${limit}`,
  });
  expect(mappingOf(columns, size - 1).render(recordOf('a"a"'))).toEqual(fault('second', `${size - 1}B`));
  expect(mappingOf(columns, 10).render(recordOf('a"a"'))).toEqual(fault('first', '10B'));
  expect(mappingOf(columns, 9).preview(recordOf('a"a"'))).toEqual(fault('ip', '9B'));

  const quotes = recordOf(Buffer.alloc(1024 * 1024, '"'));
  expect(mappingOf([body]).render(quotes)).toEqual(fault('body', '1536KB'));
  const doubled = mappingOf([body], 2 * 1024 * 1024 + 3).render(quotes);
  expect(doubled.ok && doubled.bytes.length).toBe(2 * 1024 * 1024 + 3);
});

test('every byte passes through a body column and is reported', () => {
  for (let byte = 0; byte < 256; byte += 1) {
    const row = mappingOf([body]).render(recordOf(Buffer.from([0x61, byte, 0x62])));
    if (!row.ok) throw new Error(row.reason);
    expect(readStrictCsv(row.bytes)).toEqual([[Buffer.from([0x61, byte, 0x62])]]);
    expect([row.invalidUtf8, row.nul], `byte ${byte}`).toEqual([byte >= 0x80, byte === 0]);
  }
});

test('any body comes back byte for byte, beside other columns', () => {
  const mapping = mappingOf([{ type: 'ip', name: 'ip' }, body, { type: 'datetime', name: 'd' }]);
  fc.assert(
    fc.property(csvField, (bytes) => {
      const row = mapping.render(recordOf(bytes));
      if (!row.ok) throw new Error(row.reason);
      expect(readStrictCsv(row.bytes)).toEqual([[Buffer.from('1.2.3.4'), bytes, Buffer.from('2000-01-01T02:00:00.000Z')]]);
      expect(row.nul).toBe(bytes.includes(0));
      expect(row.invalidUtf8).toBe(!Buffer.from(bytes.toString()).equals(bytes));
    }),
    { numRuns: 500 },
  );
});

test('reports what a path column brings in', () => {
  const render = (bytes: Buffer | string, rawString: boolean): unknown => {
    const row = mappingOf([pathColumn('a', { rawString })]).render(recordOf(bytes));
    return row.ok && [row.invalidUtf8, row.nul];
  };
  expect(render('{"a":"\\u0000"}', true)).toEqual([false, true]);
  expect(render('{"a":"\\u0000"}', false)).toEqual([false, false]);
  expect(render('{"a":"\\ud800"}', true)).toEqual([false, false]);
  const invalid = Buffer.from('{"a":"?"}').map((byte) => (byte === 0x3f ? 0xff : byte));
  expect(render(Buffer.from(invalid), true)).toEqual([true, false]);
  expect(render(Buffer.from(invalid), false)).toEqual([true, false]);
});

test('sinks share a record without a trace in each other', () => {
  const record = recordOf(sample);
  const all = [pathColumn('o'), pathColumn('s', { rawString: true }), pathColumn('s'), body, { type: 'headers', name: 'h' } as const];
  const alone = all.map((column) => renderedValue(column, recordOf(sample)));
  for (let round = 0; round < 2; round += 1) {
    expect(mappingOf(all).preview(record)).toEqual({ ok: true, values: alone });
    expect(mappingOf(all.toReversed()).preview(record)).toEqual({ ok: true, values: alone.toReversed() });
  }
  expect(record.body.toString()).toBe(sample);
});
