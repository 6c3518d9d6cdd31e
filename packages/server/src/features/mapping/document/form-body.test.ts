import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxFormDepth, maxFormIndex, maxFormValues, readForm } from './form-body.ts';
import { rootNode } from './json-document.ts';

function jsonOf(form: string | Buffer): string {
  const outcome = readForm(Buffer.from(form));
  return outcome.ok ? Buffer.from(outcome.document.json(rootNode)).toString() : `${outcome.code}: ${outcome.reason}`;
}

test.each([
  ['', '{}'],
  ['&&', '{}'],
  ['a=1', '{"a":"1"}'],
  ['a', '{"a":""}'],
  ['a=', '{"a":""}'],
  ['=1', '{"":"1"}'],
  ['a=b=c', '{"a":"b=c"}'],
  ['a=1&b=2&a=3', '{"a":"3","b":"2"}'],
  ['2=x&1=y', '{"2":"x","1":"y"}'],
  ['a+b=c+%2B%26%3d', '{"a b":"c +&="}'],
  ['a=%C3%A9&%e2%82%ac=1', '{"a":"é","€":"1"}'],
  ['a=é', '{"a":"é"}'],
  ['a="\\%00%0a', '{"a":"\\"\\\\\\u0000\\n"}'],
  ['key1=bar1&key2[]=bar2&key2[]=bar3', '{"key1":"bar1","key2":["bar2","bar3"]}'],
  ['a[b]=1&a[c][d]=2', '{"a":{"b":"1","c":{"d":"2"}}}'],
  ['a%5Bb%5D=1', '{"a":{"b":"1"}}'],
  ['a[2]=x&a[0]=y', '{"a":["y",null,"x"]}'],
  ['a[1]=x&a[]=y&a[0][b]=z', '{"a":[{"b":"z"},"x","y"]}'],
  ['k[x][0]=v&k[x][1][]=w', '{"k":{"x":["v",["w"]]}}'],
  ['a[0]=x&a[0]=y', '{"a":["y"]}'],
  ['a[b.c]=1', '{"a":{"b.c":"1"}}'],
  ['__proto__[x]=1&a[__proto__]=2&constructor=3', '{"__proto__":{"x":"1"},"a":{"__proto__":"2"},"constructor":"3"}'],
])('%j means %s', (form, json) => {
  expect(jsonOf(form)).toBe(json);
});

test.each([
  ['a=1;b=2', 'invalid semicolon separator in query'],
  ['a=1;b=2&c=3', 'invalid semicolon separator in query'],
  ['a=%zz', 'invalid URL escape "%zz"'],
  ['a=%', 'invalid URL escape "%"'],
  ['%4=1', 'invalid URL escape "%4"'],
  ['a[=1', 'invalid square brackets in query key "a["'],
  ['a]=1', 'invalid square brackets in query key "a]"'],
  ['[a]=1', 'invalid square brackets in query key "[a]"'],
  ['a[b]c=1', 'invalid square brackets in query key "a[b]c"'],
  ['a[b]c[d]=1', 'invalid square brackets in query key "a[b]c[d]"'],
  ['a[[b]]=1', 'invalid square brackets in query key "a[[b]]"'],
  ['é[][b]=1', 'invalid square brackets in query key "é[][b]"'],
  ['a=1&a[b]=2', 'key "a[b]" does not fit an earlier key'],
  ['a[b]=1&a=2', 'key "a" does not fit an earlier key'],
  ['a[b]=1&a[]=2', 'key "a[]" does not fit an earlier key'],
  ['a[b]=1&a[0]=2', 'key "a[0]" does not fit an earlier key'],
  ['a[]=1&a[b]=2', 'key "a[b]" does not fit an earlier key'],
  ['a[]=1&a[0][b]=2', 'key "a[0][b]" does not fit an earlier key'],
])('%j is refused: %s', (form, reason) => {
  expect(jsonOf(form)).toBe(`badRequest: invalid form data: ${reason}`);
});

test('bounds the index, the depth and the number of values', () => {
  expect(jsonOf(`a[${maxFormIndex}]=1`)).toBe(`{"a":[${'null,'.repeat(maxFormIndex)}"1"]}`);
  expect(jsonOf(`a[${maxFormIndex + 1}]=1`)).toContain('index in key "a[1001]" is over 1000');
  expect(jsonOf('a[999999999999999999999999]=1')).toContain('is over 1000');

  expect(jsonOf(`a${'[b]'.repeat(maxFormDepth - 1)}=1`)).toMatch(/^\{"a":/);
  expect(jsonOf(`a${'[b]'.repeat(maxFormDepth)}=1`)).toContain('is nested deeper than 32 levels');

  expect(jsonOf('a=1&'.repeat(maxFormValues))).toBe('{"a":"1"}');
  expect(jsonOf('a=1&'.repeat(maxFormValues + 1))).toContain('more than 10000 values');
  expect(jsonOf('a[]=1&'.repeat(maxFormValues - 1))).toMatch(/^\{"a":\["1",/);
  expect(jsonOf('a[]=1&'.repeat(maxFormValues))).toContain('more than 10000 values');
  const gaps = Array.from({ length: 10 }, (_, index) => `a[${index}][${maxFormIndex}]=1`).join('&');
  expect(jsonOf(gaps)).toContain('more than 10000 values');
});

test('shows a long key in part', () => {
  expect(jsonOf(`${'a'.repeat(100_000)}]=1`).length).toBeLessThan(200);
});

test('keeps bytes that are no UTF-8', () => {
  const outcome = readForm(Buffer.concat([Buffer.from('a=%ff'), Buffer.from([0xc3])]));
  const json = outcome.ok ? Buffer.from(outcome.document.json(rootNode)) : undefined;
  expect(json).toEqual(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xc3]), Buffer.from('"}')]));
});

test('reads flat forms as URLSearchParams does', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 8 }).map((value) => value.toWellFormed());
  const name = text.filter((value) => !/[[\]]/.test(value));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, text)), (pairs) => {
      const form = new URLSearchParams(pairs).toString();
      expect(JSON.parse(jsonOf(form))).toEqual(Object.fromEntries(pairs));
    }),
  );
});

test('reads nested forms back', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', 'é', ' ', '.', '"', '&', '='), minLength: 1, maxLength: 3 });
  type Tree = string | Tree[] | { [name: string]: Tree };
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
      fc.dictionary(name, tie('tree'), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  const pairsOf = (key: string, value: Tree): [string, string][] => {
    if (typeof value === 'string') return [[key, value]];
    return Object.entries(value).flatMap(([part, child]) => pairsOf(`${key}[${part}]`, child));
  };
  fc.assert(
    fc.property(fc.dictionary(name, tree, { noNullPrototype: true }), (value) => {
      const pairs = Object.entries(value).flatMap(([key, child]) => pairsOf(key, child));
      expect(JSON.parse(jsonOf(new URLSearchParams(pairs).toString()))).toEqual(value);
    }),
  );
});
