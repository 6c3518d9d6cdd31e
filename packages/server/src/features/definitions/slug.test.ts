import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entityIdOf, slug } from './slug.ts';

describe('slug', () => {
  it.each([
    ['My Source', 'my-source'],
    ['!!!!~~~~weird|||id##', 'weird-id'],
    ['My OTLP Source', 'my-otlp-source'],
    ['CamelCase', 'camel-case'],
    ['MyHTTPSource', 'my-httpsource'],
    ['a B cd-eF   x_y___z__', 'a-b-cd-e-f-x-y-z'],
    ['__abc_def_xyz___', 'abc-def-xyz'],
    ['Příliš žluťoučký', 'prilis-zlutoucky'],
    ['smørrebrød', 'smørrebrød'],
    ['日本', ''],
  ])('makes %j into %j', (text, expected) => {
    expect(slug(text)).toBe(expected);
  });

  const letters = fc.constantFrom(...'aZ09 -_.Áéžßøł×/日😀\u0130\u0301'.split(''));
  const texts = fc.oneof(fc.string({ unit: letters }), fc.string({ unit: 'grapheme' }), fc.string());

  it('leaves a slug as it is', () => {
    fc.assert(fc.property(texts, (text) => slug(slug(text)) === slug(text)));
  });

  it('has words of lower-case letters and digits with single dashes between them, so that it fits into keys and paths', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(slug(text)).toMatch(/^$|^[a-z0-9\u00D7-\u017E]+(-[a-z0-9\u00D7-\u017E]+)*$/);
        expect(slug(text)).toBe(slug(text).toLowerCase());
      }),
    );
  });
});

describe('id of an entity', () => {
  it('comes from the given id, else from the name', () => {
    expect(entityIdOf({ field: 'sinkId', given: 'My Id', name: 'Name' })).toBe('my-id');
    expect(entityIdOf({ field: 'sinkId', given: undefined, name: 'Name' })).toBe('name');
    expect(entityIdOf({ field: 'sinkId', given: '', name: 'Name' })).toBe('name');
  });

  it('has 48 characters at most, counted after the words are split', () => {
    expect(entityIdOf({ field: 'sinkId', given: undefined, name: 'x'.repeat(48) })).toHaveLength(48);
    expect(() => entityIdOf({ field: 'sinkId', given: undefined, name: `A${'x'.repeat(46)}Bc` })).toThrow(
      `"sinkId" must have at most 48 characters, "a${'x'.repeat(46)}-bc" has 50.`,
    );
  });
});
