import { expect, test } from 'vitest';
import { z } from 'zod';
import { isAppError } from '../errors/app-error.ts';
import { decodeJson, parseJson } from './json.ts';

const options = { schema: z.object({ pid: z.int(), tags: z.array(z.string()) }), what: 'Owner record', code: 'folderUnusable' } as const;

test('gives the typed value', () => {
  expect(decodeJson('{"pid":7,"tags":["a"]}', options)).toEqual({ pid: 7, tags: ['a'] });
});

test.each([
  ['{', 'Owner record is not valid JSON'],
  ['{"pid":"7","tags":[1]}', /^Owner record does not have the expected form: pid: .*; tags\.0: /],
])('%s is an error that says what and where', (text, message) => {
  let caught: unknown;
  try {
    decodeJson(text, options);
  } catch (error) {
    caught = error;
  }
  expect(isAppError(caught, 'folderUnusable')).toBe(true);
  expect(caught).toHaveProperty('message', expect.stringMatching(message));
});

test("the product's own text that does not match breaks an invariant", () => {
  expect(parseJson('{"pid":7,"tags":[]}', options.schema, 'Key a/b')).toEqual({ pid: 7, tags: [] });
  expect(() => parseJson('{}', options.schema, 'Key a/b')).toThrow(expect.objectContaining({ code: 'invariantBroken' }));
});
