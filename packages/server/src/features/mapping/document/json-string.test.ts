import { expect, test } from 'vitest';
import { stringEquals } from './json-string.ts';

test.each([
  ['"a"', 'a', true],
  ['""', '', true],
  ['"\\u0061\\n"', 'a\n', true],
  ['"a\\u0062"', 'ab', true],
  ['"\\u00e9"', 'é', true],
  ['"a\\""', 'a"', true],
  ['"a"', '', false],
  ['"a"', 'ab', false],
  ['"ab"', 'a', false],
  ['"a\\u0062"', 'a', false],
  ['"a":"b"', 'a":"b', false],
  ['"a', 'a', false],
  ['"\\u0061\\u0061"', 'aa', true],
  ['"\\u0061\\u0061"', 'a', false],
  ['"\\u0061\\"', 'a', false],
  ['"\\ud83d\\ude00"', '😀', true],
])('whether %s means %j is %s', (source, text, equal) => {
  expect(stringEquals(Buffer.from(source), 1, Buffer.from(text))).toBe(equal);
});
