import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readJson } from './json-reader.ts';
import { compilePath, findNode } from './path.ts';

function find(body: string, path: string): string | undefined {
  const outcome = readJson(Buffer.from(body));
  if (!outcome.ok) throw new Error(outcome.reason);
  const node = findNode(outcome.document, compilePath(path));
  return node === undefined ? undefined : Buffer.from(outcome.document.json(node)).toString();
}

const body = '{"foo":{"bar":[{"baz":1},[2,3]]},"a":[[4,{"5":6}]],"0":"zero","b]":7,"é":8,"x":null}';

test.each([
  ['foo.bar[0].baz', '1'],
  ['foo.bar[1][1]', '3'],
  ['foo.bar[1]', '[2,3]'],
  ['.foo..bar[0]..baz.', '1'],
  ['a[0][1].5', '6'],
  ['a[0][00]', '4'],
  ['0', '"zero"'],
  ['é', '8'],
  ['x', 'null'],
  ['[b]', '7'],
  ['', body],
  ['.', body],
  ['[.[', body],
])('%j finds %s', (path, value) => {
  expect(find(body, path)).toBe(value);
});

test.each([
  'missing',
  'foo.missing.bar',
  'foo.bar[2]',
  'foo.bar[99999999999999999999999]',
  'foo.bar.0',
  'foo[0]',
  '[0]',
  'foo.bar[0',
  'foo.bar[-1]',
  'x.y',
  'x[0]',
  '0.a',
  'foo.bar[0].baz.a',
  '__proto__',
  'toString',
])('%j finds nothing', (path) => {
  expect(find(body, path)).toBeUndefined();
});

test('reaches every value of a document that its syntax can name', () => {
  const name = fc.string({ unit: fc.constantFrom('a', 'b', '0', '_', '-', ' ', 'é', '"', '\\'), minLength: 1, maxLength: 3 });
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.integer(),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(name, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  const expectAll = (text: string, path: string, value: unknown): void => {
    expect(JSON.parse(find(text, path) ?? '"not found"')).toEqual(value);
    if (Array.isArray(value)) for (const [index, element] of value.entries()) expectAll(text, `${path}[${index}]`, element);
    else if (typeof value === 'object' && value !== null)
      for (const [key, member] of Object.entries(value)) expectAll(text, `${path}.${key}`, member);
  };
  fc.assert(fc.property(tree, (value) => expectAll(JSON.stringify(value, undefined, ' '), '', value)));
});
