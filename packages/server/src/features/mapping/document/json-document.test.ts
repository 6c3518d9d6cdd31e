import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type JsonSource, jsonContainer, jsonSource, jsonString, meaningOf, withMaps } from '../../../../test/support/json-arbitrary.ts';
import { type JsonDocument, jsonName, rootNode } from './json-document.ts';
import { readJson } from './json-reader.ts';

function documentOf(text: string | Uint8Array): JsonDocument {
  const outcome = readJson(Buffer.from(text));
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.document;
}

const jsonText = (document: JsonDocument, node: number | undefined): string | undefined =>
  node === undefined ? undefined : Buffer.from(document.json(node)).toString();

/** Every value that a walk can reach is found, in its own spelling and without whitespace. */
function expectAllFound(document: JsonDocument, node: number, source: JsonSource): void {
  expect(jsonText(document, node)).toBe(source.compact);
  for (const [name, member] of new Map(source.members)) {
    const found = document.member(node, jsonName(name));
    if (found === undefined) throw new Error(`member ${JSON.stringify(name)} not found`);
    expectAllFound(document, found, member);
  }
  for (const [index, element] of (source.elements ?? []).entries()) {
    const found = document.element(node, index);
    if (found === undefined) throw new Error(`element ${index} not found`);
    expectAllFound(document, found, element);
  }
  expect(document.element(node, source.elements?.length ?? 0)).toBeUndefined();
}

test('finds every value: number text, escapes and order as sent, whitespace left out', () => {
  fc.assert(
    fc.property(jsonSource, (source) => expectAllFound(documentOf(source.spaced), rootNode, source)),
    { numRuns: 1000 },
  );
});

test('finds no member that is not there', () => {
  fc.assert(
    fc.property(jsonContainer, jsonString, (source, name) => {
      const wanted = String(JSON.parse(name)).toWellFormed();
      const present = source.members?.some(([candidate]) => candidate === wanted) ?? false;
      expect(documentOf(source.spaced).member(rootNode, jsonName(wanted)) !== undefined).toBe(present);
    }),
    { numRuns: 500 },
  );
});

test('finds a value the values of which agree with JSON.parse', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const document = documentOf(JSON.stringify(value, undefined, 1));
      const parsed: Record<string, unknown> = JSON.parse(JSON.stringify(value));
      for (const name of Object.keys(parsed)) {
        expect(JSON.parse(jsonText(document, document.member(rootNode, jsonName(name))) ?? '')).toEqual(parsed[name]);
      }
    }),
  );
});

test('unescapes strings as JSON.parse does, lone surrogates as U+FFFD', () => {
  fc.assert(
    fc.property(jsonString, (source) => {
      const document = documentOf(source);
      expect(document.isString(rootNode)).toBe(true);
      expect(Buffer.from(document.text(rootNode))).toEqual(Buffer.from(String(JSON.parse(source))));
    }),
    { numRuns: 1000 },
  );
});

test('unescapes every code unit', () => {
  for (let unit = 0; unit <= 0xffff; unit += 1) {
    const text = documentOf(`"\\u${unit.toString(16).padStart(4, '0')}"`).text(rootNode);
    if (!Buffer.from(String.fromCharCode(unit)).equals(text)) expect.fail(`\\u${unit.toString(16)}`);
  }
});

test.each(['😀', '\u{10000}', '\u{10ffff}'])('joins the surrogates of %s', (character) => {
  const [high, low] = [character.charCodeAt(0), character.charCodeAt(1)].map((unit) => `\\u${unit.toString(16)}`);
  expect(Buffer.from(documentOf(`"${high}${low}"`).text(rootNode)).toString()).toBe(character);
});

test.each([
  ['\\ud83d\\ue000', '\ufffd\ue000'],
  ['\\ud83d\\ud83d\\ude00', '\ufffd😀'],
  ['\\ud83dx', '\ufffdx'],
  ['\\ude00\\ud83d', '\ufffd\ufffd'],
])('%s means %s', (source, text) => {
  expect(Buffer.from(documentOf(`"${source}"`).text(rootNode)).toString()).toBe(text);
});

test('takes the last of repeated members, however its name is spelled', () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"\\u0061":1,"a":2}', '{"a":[1,{"a":3}],"b":0,"a":2}']) {
    const document = documentOf(text);
    expect(jsonText(document, document.member(rootNode, jsonName('a')))).toBe('2');
  }
});

test.each([
  ['{"a":1}', 'a"'],
  ['{"a":1}', ''],
  ['{"":1}', '"'],
  ['{"ab":1}', 'a'],
  ['{"a":1}', 'ab'],
  ['{"a\\"":1}', 'a'],
  ['{"a\\\\":1}', 'a\\\\'],
])('%s has no member %j', (text, name) => {
  expect(documentOf(text).member(rootNode, jsonName(name))).toBeUndefined();
});

test('tells names apart that differ in any one character', () => {
  const names = [
    '',
    'a',
    'b',
    'ab',
    'ba',
    'bb',
    'aab',
    'abb',
    'abcdefgh',
    'Xbcdefgh',
    'abcdefgX',
    'abXdefgh',
    'x'.repeat(127),
    'x'.repeat(255),
  ];
  const document = documentOf(` ${JSON.stringify(Object.fromEntries(names.map((name) => [name, `=${name}`])))}`);
  for (const name of names) expect(jsonText(document, document.member(rootNode, jsonName(name)))).toBe(JSON.stringify(`=${name}`));
});

test('walks into the right kind of container only', () => {
  const document = documentOf('[{"0":1},[2],"x",3,null]');
  const nodes = [0, 1, 2, 3, 4].map((index) => document.element(rootNode, index) ?? -1);
  expect(nodes.map((node) => jsonText(document, document.element(node, 0)))).toEqual([undefined, '2', undefined, undefined, undefined]);
  expect(nodes.map((node) => jsonText(document, document.member(node, jsonName('0'))))).toEqual([
    '1',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('keeps bytes that are no UTF-8 as they are', () => {
  const body = Buffer.concat([Buffer.from('{ "a" : "\\n'), Buffer.from([0xff, 0xc3]), Buffer.from('" }')]);
  const document = documentOf(body);
  const node = document.member(rootNode, jsonName('a')) ?? -1;
  expect(Buffer.from(document.text(node))).toEqual(Buffer.from([0x0a, 0xff, 0xc3]));
  expect(Buffer.from(document.json(rootNode))).toEqual(Buffer.from(body.filter((byte) => byte !== 0x20)));
});

test('decodes what the text means, once', () => {
  fc.assert(
    fc.property(jsonSource, (source) => {
      const document = documentOf(source.spaced);
      const value = document.value(rootNode);
      expect(withMaps(value)).toEqual(meaningOf(source));
      expect(document.value(rootNode)).toBe(value);
    }),
    { numRuns: 1000 },
  );
});

test('parts of a decoded value are the same objects', () => {
  const document = documentOf('{"a":[{"b":1}]}');
  const node = document.member(rootNode, jsonName('a')) ?? Number.NaN;
  const part = document.value(node);
  expect(document.value(rootNode)).toEqual({ a: [{ b: 1 }] });
  expect(Object.values(document.value(rootNode) ?? {})[0]).toBe(part);
  expect(document.value(document.element(node, 0) ?? Number.NaN)).toBe(Array.isArray(part) && part[0]);
});
