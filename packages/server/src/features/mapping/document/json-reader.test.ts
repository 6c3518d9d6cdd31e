import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonSource } from '../../../../test/support/json-arbitrary.ts';
import { rootNode } from './json-document.ts';
import { maxJsonDepth, readJson } from './json-reader.ts';

const reasonOf = (body: Uint8Array | string): string | undefined => {
  const outcome = readJson(Buffer.from(body));
  return outcome.ok ? undefined : outcome.reason;
};

function parses(body: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(body).toString());
    return true;
  } catch {
    return false;
  }
}

function agrees(body: Uint8Array): void {
  expect(readJson(body).ok, JSON.stringify(Buffer.from(body).toString())).toBe(parses(body));
}

test('accepts every spelling of every value', () => {
  fc.assert(
    fc.property(jsonSource, ({ spaced }) => {
      const outcome = readJson(Buffer.from(spaced));
      expect(outcome.ok && JSON.parse(Buffer.from(outcome.document.json(rootNode)).toString())).toEqual(JSON.parse(spaced));
    }),
    { numRuns: 1000 },
  );
});

test('judges damaged texts as JSON.parse does', () => {
  const edit = fc.record({
    position: fc.nat(),
    removed: fc.integer({ min: 0, max: 3 }),
    inserted: fc.array(fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\u0eE+-. \n\ttfn')), fc.integer({ min: 0, max: 255 })), {
      maxLength: 2,
    }),
  });
  fc.assert(
    fc.property(jsonSource, fc.array(edit, { minLength: 1, maxLength: 3 }), ({ spaced }, edits) => {
      const bytes = [...Buffer.from(spaced)];
      for (const { position, removed, inserted } of edits) bytes.splice(position % (bytes.length + 1), removed, ...inserted);
      agrees(Buffer.from(bytes));
    }),
    { numRuns: 3000 },
  );
});

test('judges every cut of a text as JSON.parse does', () => {
  const text = Buffer.from(' {"a\\u00e9":[-0.5e+1,true,false,null,"\\ud800€"],"b":{}} ');
  for (let start = 0; start <= text.length; start += 1) {
    for (let end = start; end <= text.length; end += 1) agrees(text.subarray(start, end));
  }
});

test('judges soups of tokens as JSON.parse does', () => {
  const token = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '1',
    '-',
    '0',
    '.5',
    'e3',
    'true',
    'nul',
    ' ',
    '\n',
    '\\',
    '\u00a0',
    '\ufeff',
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 8 }), (tokens) => agrees(Buffer.from(tokens.join('')))),
    { numRuns: 5000 },
  );
});

test('judges every byte at every place of small texts as JSON.parse does', () => {
  for (let byte = 0; byte < 256; byte += 1) {
    for (const [before, behind] of [
      ['', ''],
      ['1', ''],
      ['[', ']'],
      ['"', '"'],
      ['"\\', '"'],
      ['"\\u00', '0"'],
      ['{"a"', '1}'],
      ['-', ''],
      ['0', '1'],
      ['1e', '1'],
    ] as const) {
      agrees(Buffer.concat([Buffer.from(before), Buffer.from([byte]), Buffer.from(behind)]));
    }
  }
});

test.each([
  ['', 'the body is empty'],
  ['{"a":1', 'unexpected end of the body'],
  ['"abc', 'unexpected end of the body'],
  ['[1,]', "unexpected ']' at byte 3"],
  ['{"a" 1}', "unexpected '1' at byte 5"],
  ['nope', "unexpected 'o' at byte 1"],
  ['"a\nb"', 'unexpected byte 0x0a at byte 2'],
  ['\ufeff{}', 'unexpected byte order mark'],
  ['1 2', "unexpected '2' at byte 2"],
])('says what is wrong with %j', (text, reason) => {
  expect(readJson(Buffer.from(text))).toEqual({ ok: false, code: 'badRequest', reason: `cannot parse request json: ${reason}` });
});

test('refuses what is nested too deep, and no less', () => {
  const nested = (depth: number): string => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;
  expect(reasonOf(nested(maxJsonDepth))).toBeUndefined();
  expect(reasonOf(`[${nested(maxJsonDepth)}]`)).toBe('cannot parse request json: nested deeper than 300 levels at byte 896');
  expect(reasonOf('['.repeat(1_000_000))).toContain('nested deeper than 300 levels at byte 300');
  expect(reasonOf(`[${'[],'.repeat(1000)}[]]`)).toBeUndefined();
});
