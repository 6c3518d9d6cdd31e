import { eager } from '../run/builtin.ts';
import { expectString } from '../run/expect.ts';
import { Fault } from '../run/fault.ts';
import { fromPlain } from '../run/from-plain.ts';
import { type Run, typeName, type Value } from '../run/value.ts';
import { parseJson } from './parse-json.ts';
import { parseYaml } from './parse-yaml.ts';
import { stdFault, within } from './std-fault.ts';

function parseInteger(value: Value): number {
  const text = expectString(value);
  const number = /^[+-]?[0-9]{1,400}$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
  if (number === undefined || BigInt.asIntN(64, number) !== number) throw new Fault(`${text} is not a base 10 integer`);
  return Number(number);
}

interface Radix {
  readonly base: number;
  readonly line: number;
  readonly empty: string;
  readonly end: string;
}

const octal: Radix = { base: 8, line: 106, empty: 'Not an octal number: ""', end: '22' };
const hexadecimal: Radix = { base: 16, line: 111, empty: 'Not hexadecimal: ""', end: '23' };

function parseNatural(value: Value, { base, line, empty, end }: Radix, run: Run): number {
  if (typeof value !== 'string') throw stdFault(`Expected string, got ${typeName(value)}`, `(${line}:5)-(${line + 2}:${end})`, '');
  if (value === '') throw stdFault(empty, `(${line + 1}:5)-(${line + 2}:${end})`, '');
  run.charge(value.length);
  let number = 0;
  for (const character of value) {
    const digit = digitOf(character.codePointAt(0) ?? 0);
    if (digit < 0 || digit >= base) {
      return within(`${line + 2}:5-${end}`, () =>
        within('95:5-49', () => {
          throw stdFault(`${value} is not a base ${base} integer`, '(93:7)-(94:31)', '');
        }),
      );
    }
    number = base * number + digit;
  }
  return number;
}

/** As the reference counts: letters begin at 10, and so do the characters after `9`. */
function digitOf(code: number): number {
  if (code >= 97) return code - 97 + 10;
  return code >= 65 ? code - 65 + 10 : code - 48;
}

export const parsers = {
  parseInt: eager('str', ([value = null], run) => {
    run.charge(4);
    return parseInteger(value);
  }),
  parseOctal: eager('str', ([value = null], run) => parseNatural(value, octal, run)),
  parseHex: eager('str', ([value = null], run) => parseNatural(value, hexadecimal, run)),
  parseJson: eager('str', ([value = null], run) => {
    const text = expectString(value);
    // A short text may become many objects: `{},` takes 56 bytes.
    run.charge(8 + (text.length * 2) / 3);
    return fromPlain(parseJson(text), run);
  }),
  parseYaml: eager('str', ([value = null], run) => parseYaml(expectString(value), run)),
};
