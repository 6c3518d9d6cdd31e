import { Fault } from '../run/fault.ts';

/** One `%` code of a format. A width or a precision of `*` is taken from the values. */
export interface FormatCode {
  readonly key: string | undefined;
  readonly alternate: boolean;
  readonly zero: boolean;
  readonly left: boolean;
  readonly blank: boolean;
  readonly plus: boolean;
  readonly width: number | '*';
  readonly precision: number | '*' | undefined;
  readonly type: 'd' | 'o' | 'x' | 'e' | 'f' | 'g' | 'c' | 's' | '%';
  readonly capitals: boolean;
}

/** Text before a code, and the code; the last piece has none. */
export interface FormatPiece {
  readonly text: string;
  readonly code: FormatCode | undefined;
}

const types: Readonly<Record<string, FormatCode['type']>> = {
  d: 'd',
  i: 'd',
  u: 'd',
  o: 'o',
  x: 'x',
  X: 'x',
  e: 'e',
  E: 'e',
  f: 'f',
  F: 'f',
  g: 'g',
  G: 'g',
  c: 'c',
  s: 's',
  '%': '%',
};

const pattern =
  /(?:\((?<key>[^)]*)\))?(?<flags>[#0\- +]*)(?:(?<star>\*)|(?<width>[0-9]*))(?:\.(?:(?<many>\*)|(?<precision>[0-9]*)))?[hlL]?/y;

/** Formats that were read, since a program uses the same few again and again. */
const known = new Map<string, readonly FormatPiece[]>();
const maxKnown = 64;

/** Reads a format; throws where a code is cut off or unknown. */
export function parseFormat(format: string): readonly FormatPiece[] {
  const found = known.get(format);
  if (found !== undefined) return found;
  const pieces = piecesOf(format);
  if (format.length > 256) return pieces;
  if (known.size >= maxKnown) known.clear();
  known.set(format, pieces);
  return pieces;
}

function piecesOf(format: string): readonly FormatPiece[] {
  const pieces: FormatPiece[] = [];
  let from = 0;
  for (let at = format.indexOf('%'); at >= 0; at = format.indexOf('%', from)) {
    pattern.lastIndex = at + 1;
    const { groups = {} } = pattern.exec(format) ?? {};
    const type = format.codePointAt(pattern.lastIndex);
    if (type === undefined || (groups['key'] === undefined && format[at + 1] === '(')) throw new Fault('Truncated format code.');
    const letter = String.fromCodePoint(type);
    pieces.push({ text: format.slice(from, at), code: codeOf(letter, groups) });
    from = pattern.lastIndex + letter.length;
  }
  pieces.push({ text: format.slice(from), code: undefined });
  return pieces;
}

function codeOf(letter: string, groups: { [name: string]: string | undefined }): FormatCode {
  const type = types[letter];
  if (type === undefined) throw new Fault(`Unrecognised conversion type: ${letter}`);
  const flags = groups['flags'] ?? '';
  const { key, star, width, many, precision } = groups;
  return {
    key,
    alternate: flags.includes('#'),
    zero: flags.includes('0'),
    left: flags.includes('-'),
    blank: flags.includes(' '),
    plus: flags.includes('+'),
    width: star === undefined ? Number(width) : '*',
    precision: many === undefined ? precisionOf(precision) : '*',
    type,
    capitals: letter === 'X' || letter === 'E' || letter === 'G',
  };
}

function precisionOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
