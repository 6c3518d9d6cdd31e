import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonSource } from '../../../test/support/json-arbitrary.ts';
import { unwrapJson } from './json-envelope.ts';

const unwrapped = (body: string | Buffer): string => {
  const outcome = unwrapJson(Buffer.from(body), 'data');
  return outcome.ok ? outcome.content.toString() : outcome.reason;
};

test('whatever the value and the blanks in it: its text, byte for byte', () => {
  fc.assert(
    fc.property(jsonSource, jsonSource, ({ spaced }, other) => {
      // The generator may put blanks around the value, which are not part of it.
      const text = spaced.trim();
      expect(unwrapped(`{"data":${text}}`)).toBe(text);
      expect(unwrapped(` { "other" : ${other.spaced} ,\n"data"\t: ${text} , "data2":1 } `)).toBe(text);
    }),
  );
});

test('the last of repeated members, under any spelling of the name; not a member of a member', () => {
  expect(unwrapped('{"data":1,"d\\u0061ta":{"a" : 1.0}}')).toBe('{"a" : 1.0}');
  expect(unwrapped('{"other":{"data":1}}')).toBe('the body has no member "data"');
});

test('bytes in strings that are no UTF-8 stay', () => {
  const value = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x22, 0xfe, 0x22, 0x20, 0x7d]);
  const outcome = unwrapJson(Buffer.concat([Buffer.from('{"data": '), value, Buffer.from('}')]), 'data');
  expect(outcome.ok && outcome.content.equals(value)).toBe(true);
});

test.each([
  ['', 'cannot parse request json: the body is empty'],
  ['{"data":', 'cannot parse request json: unexpected end of the body'],
  ['{"data":1} x', "cannot parse request json: unexpected 'x' at byte 11"],
  ['[{"data":1}]', 'the body must be a JSON object with the member "data"'],
  ['"data"', 'the body must be a JSON object with the member "data"'],
  ['null', 'the body must be a JSON object with the member "data"'],
  ['{}', 'the body has no member "data"'],
  ['{"Data":1}', 'the body has no member "data"'],
])('%s: %s', (body, reason) => {
  expect(unwrapped(body)).toBe(reason);
});
