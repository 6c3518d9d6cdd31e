import fc from 'fast-check';

/** A JSON value as source text, with the parts that lookups are to find. */
export interface JsonSource {
  /** Without whitespace; numbers and strings in any legal spelling. */
  readonly compact: string;
  /** The same with whitespace where it is legal. */
  readonly spaced: string;
  /** In order, duplicates included; names decoded and well formed. */
  readonly members?: readonly (readonly [string, JsonSource])[];
  readonly elements?: readonly JsonSource[];
}

const blanks = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  fc.string({ unit: fc.constantFrom(' ', '\n', '\r', '\t'), maxLength: 3 }),
);

const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 22 });
const jsonNumber = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: digits.map((text) => text.replace(/^0+(?=.)/, '')),
    fraction: fc.option(digits, { nil: undefined }),
    exponent: fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'E-'), digits), { nil: undefined }),
  })
  .map(({ sign, whole, fraction, exponent }) => `${sign}${whole}${fraction ? `.${fraction}` : ''}${exponent ? exponent.join('') : ''}`);

const escapes = [
  '\\"',
  '\\\\',
  '\\/',
  '\\b',
  '\\f',
  '\\n',
  '\\r',
  '\\t',
  '\\u0000',
  '\\u00e9',
  '\\u20AC',
  '\\ud83d\\ude00',
  '\\ud83d',
  '\\uDE00',
  '\\u0022',
];
const plain = [...'abcxyz .[]{},:/-01', 'é', '€', '😀', '\u2028', '\x7f'];
/** With its quotes. */
export const jsonString = fc
  .array(fc.constantFrom(...escapes, ...plain, ...plain), { maxLength: 12 })
  .map((units) => `"${units.join('')}"`);

const name = fc.oneof(jsonString, fc.constantFrom('""', '"a"', '"b"', '"\\u0061"', '"__proto__"', '"constructor"', '"0"', '"length"'));

const leaf = fc
  .oneof(jsonNumber, jsonString, fc.constantFrom('true', 'false', 'null'))
  .map((text): JsonSource => ({ compact: text, spaced: text }));

const { value } = fc.letrec<{ value: JsonSource }>((tie) => {
  const element = fc.tuple(blanks, tie('value'), blanks);
  const array = fc.tuple(blanks, fc.array(element, { maxLength: 5 })).map(([blank, items]): JsonSource => {
    const elements = items.map(([, item]) => item);
    return {
      compact: `[${elements.map(({ compact }) => compact).join(',')}]`,
      spaced: `[${blank}${items.map(([before, item, behind]) => before + item.spaced + behind).join(',')}]`,
      elements,
    };
  });
  const member = fc.tuple(blanks, name, blanks, element);
  const object = fc.tuple(blanks, fc.array(member, { maxLength: 6 })).map(([blank, items]): JsonSource => {
    const spaced = items.map(([before, key, behind, [left, item, right]]) => `${before}${key}${behind}:${left}${item.spaced}${right}`);
    return {
      compact: `{${items.map(([, key, , [, item]]) => `${key}:${item.compact}`).join(',')}}`,
      spaced: `{${blank}${spaced.join(',')}}`,
      members: items.map(([, key, , [, item]]) => [String(JSON.parse(key)).toWellFormed(), item]),
    };
  });
  return { value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, array, object) };
});

/** Any JSON value in any spelling. */
export const jsonSource: fc.Arbitrary<JsonSource> = value;

/** As `jsonSource`, an object or array. */
export const jsonContainer: fc.Arbitrary<JsonSource> = value.filter(
  ({ members, elements }) => members !== undefined || elements !== undefined,
);

/** What a source means as text in UTF-8: doubles, lone surrogates as U+FFFD, the last of repeated names. Objects are maps. */
export function meaningOf({ compact, members, elements }: JsonSource): unknown {
  if (members) return new Map(members.map(([key, member]) => [key, meaningOf(member)]));
  if (elements) return elements.map(meaningOf);
  const scalar: unknown = JSON.parse(compact);
  return typeof scalar === 'string' ? scalar.toWellFormed() : scalar;
}

/** Plain data with its objects as maps, so that every name is just a name. */
export function withMaps(plain: unknown): unknown {
  if (Array.isArray(plain)) return plain.map(withMaps);
  if (plain === null || typeof plain !== 'object') return plain;
  return new Map(Object.entries(plain).map(([key, member]) => [key, withMaps(member)]));
}
