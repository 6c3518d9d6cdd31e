import type { Span } from './source.ts';

const symbols = ['{', '}', '[', ']', ',', '$', '.', '(', ')', ';'] as const;
const keywords = [
  'assert',
  'else',
  'error',
  'false',
  'for',
  'function',
  'if',
  'import',
  'importstr',
  'importbin',
  'in',
  'local',
  'null',
  'self',
  'super',
  'tailstrict',
  'then',
  'true',
] as const;
/** Kinds whose text differs from one token to the next, by the name that error texts use. */
const open = {
  identifier: 'IDENTIFIER',
  number: 'NUMBER',
  operator: 'OPERATOR',
  block: 'STRING_BLOCK',
  double: 'STRING_DOUBLE',
  single: 'STRING_SINGLE',
  'verbatim-double': 'VERBATIM_STRING_DOUBLE',
  'verbatim-single': 'VERBATIM_STRING_SINGLE',
} as const;

type OpenKind = keyof typeof open;
export type Keyword = (typeof keywords)[number];
export type TokenKind = (typeof symbols)[number] | Keyword | OpenKind | 'end';

export interface Token extends Span {
  readonly kind: TokenKind;
  /** What stands in the source; of a string what stands between its quotes, of a number without its underscores. */
  readonly text: string;
}

const keywordsByName: ReadonlyMap<string, Keyword> = new Map(keywords.map((keyword) => [keyword, keyword]));

/** The keyword that a word is, if it is one. */
export function keywordNamed(word: string): Keyword | undefined {
  return keywordsByName.get(word);
}

function isOpen(kind: TokenKind): kind is OpenKind {
  return Object.hasOwn(open, kind);
}

/** The kind as error texts name it. */
export function printKind(kind: TokenKind): string {
  if (isOpen(kind)) return open[kind];
  if (kind === 'end') return 'end of file';
  return keywordsByName.has(kind) ? kind : `"${kind}"`;
}

/** The token as error texts show it. */
export function printToken({ kind, text }: Token): string {
  if (text === '') return printKind(kind);
  return isOpen(kind) ? `(${open[kind]}, "${text}")` : `"${text}"`;
}

export function isString(kind: TokenKind): boolean {
  return kind === 'double' || kind === 'single' || kind === 'block' || kind === 'verbatim-double' || kind === 'verbatim-single';
}
