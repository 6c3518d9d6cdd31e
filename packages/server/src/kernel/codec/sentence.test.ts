import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sentence } from './sentence.ts';

test.each([
  ['key not found: "a"', 'Key not found: "a".'],
  ['length must be between 1 and 40 (got 0)', 'Length must be between 1 and 40 (got 0)'],
  ['done.  ', 'Done.'],
  ['really?', 'Really?'],
  ['état', 'État.'],
  ['"x" is 1', '"x" is 1.'],
  ['', ''],
  ['  a', '  a.'],
])('%j becomes %j', (text, expected) => {
  expect(sentence(text)).toBe(expected);
});

test('a sentence stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
      expect(sentence(sentence(text))).toBe(sentence(text));
    }),
  );
});
