import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalHeaderName, credentialHeaders, firstHeader, headersJson, visibleHeaders } from './headers-json.ts';

const jsonOf = (raw: readonly string[], hidden: ReadonlySet<string>): string => headersJson(visibleHeaders(raw, hidden));

test('writes canonical names in byte order', () => {
  const raw = ['x-foo-bar', '1', 'ACCEPT', '*/*', 'x_a', '2', 'Xb', '3', 'x-', '4', 'X!', '5', 'x', '6', 'etag', '7'];
  expect(jsonOf(raw, new Set())).toBe('{"Accept":"*/*","Etag":"7","X":"6","X!":"5","X-":"4","X-Foo-Bar":"1","X_a":"2","Xb":"3"}');
});

test('names a header as it is looked up, whatever the case', () => {
  expect(['X-FOO', 'x-foo', 'eTag'].map(canonicalHeaderName)).toEqual(['X-Foo', 'X-Foo', 'Etag']);
});

test('keeps the first of repeated headers', () => {
  expect(jsonOf(['X-A', '1', 'x-a', '2', 'X-B', '', 'X-b', '3'], new Set())).toBe('{"X-A":"1","X-B":""}');
});

test('leaves out Host and what is hidden', () => {
  const raw = ['Host', 'h', 'AUTHORIZATION', 's', 'proxy-authorization', 's', 'Cookie', 's', 'X-StorageApi-Token', 's', 'Accept', 'a'];
  expect(jsonOf(raw, credentialHeaders)).toBe('{"Accept":"a"}');
  expect(jsonOf(raw, new Set(['accept']))).toBe('{"Authorization":"s","Cookie":"s","Proxy-Authorization":"s","X-Storageapi-Token":"s"}');
  expect(jsonOf([], credentialHeaders)).toBe('{}');
});

test('reads values as UTF-8 where they are that, else as Latin-1', () => {
  expect(jsonOf(['A', Buffer.from('né€😀').toString('latin1')], new Set())).toBe('{"A":"né€😀"}');
  expect(jsonOf(['A', 'caf\xe9'], new Set())).toBe('{"A":"café"}');
});

test('escapes what JSON wants escaped and nothing else', () => {
  expect(jsonOf(['A', '<&>"\\\t\x7f'], new Set())).toBe('{"A":"<&>\\"\\\\\\t\x7f"}');
});

test('is JSON and valid text whatever the bytes are', () => {
  const value = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  fc.assert(
    fc.property(value, (text) => {
      const json = jsonOf(['__proto__', text, 'B', 'b'], new Set());
      expect(json.isWellFormed()).toBe(true);
      const parsed = new Map(Object.entries(JSON.parse(json)));
      expect([...parsed.keys()]).toEqual(['B', '__proto__']);
      expect([Buffer.from(text, 'latin1').toString(), text]).toContain(parsed.get('__proto__'));
    }),
  );
});

test('finds the first value of a header', () => {
  expect(firstHeader(['X', 'no', 'Content-TYPE', 'a', 'content-type', 'b'], 'content-type')).toBe('a');
  expect(firstHeader(['X', 'content-type'], 'content-type')).toBe('');
});
