import { printRange } from '../jsonnet-error.ts';
import type { StringNode } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { rangeOf } from './source.ts';
import type { Token } from './token.ts';

const plain: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** The node of a string token, with its escapes resolved. */
export function stringNode(cursor: Cursor, token: Token): StringNode {
  const { begin, end, kind, text } = token;
  if ((kind !== 'double' && kind !== 'single') || !text.includes('\\')) {
    return { kind: 'string', begin, end, value: text.toWellFormed(), block: kind === 'block' };
  }
  const value = resolveEscapes(text);
  // The reference prints the position twice here: the error of the literal is the message of the parser's.
  if (typeof value !== 'string') throw cursor.error(`${printRange(rangeOf(cursor.source, token))} ${value.problem}`, token);
  return { kind: 'string', begin, end, value, block: false };
}

function resolveEscapes(text: string): string | { readonly problem: string } {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const stop = text.indexOf('\\', at);
    if (stop < 0) return (out + text.slice(at)).toWellFormed();
    out += text.slice(at, stop);
    const code = text[stop + 1];
    if (code === undefined) return { problem: 'Truncated escape sequence in string literal.' };
    if (code === 'u') {
      const unit = unicodeEscape(text, stop + 2);
      if ('problem' in unit) return unit;
      out += unit.character;
      at = unit.end;
      continue;
    }
    const character = plain[code];
    if (character === undefined) {
      return { problem: `Unknown escape sequence in string literal: \\${String.fromCodePoint(text.codePointAt(stop + 1) ?? 0)}` };
    }
    out += character;
    at = stop + 2;
  }
  return out.toWellFormed();
}

type Escape = { readonly character: string; readonly end: number } | { readonly problem: string };

function unicodeEscape(text: string, at: number): Escape {
  if (at + 4 > text.length) return { problem: 'Truncated unicode escape sequence in string literal.' };
  const high = hexAt(text, at);
  if (high === undefined) return { problem: `Unicode escape sequence was malformed: ${text.slice(0, 4)}` };
  if (high < 0xd800 || high > 0xdfff) return { character: String.fromCharCode(high), end: at + 4 };
  if (at + 10 > text.length) return { problem: 'Truncated unicode surrogate pair escape sequence in string literal.' };
  if (text.slice(at + 4, at + 6) !== '\\u') {
    return { problem: 'Unicode surrogate pair escape sequence missing low surrogate in string literal.' };
  }
  const low = hexAt(text, at + 6);
  if (low === undefined) return { problem: `Unicode low surrogate escape sequence was malformed: ${text.slice(0, 4)}` };
  const pair = high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff;
  return { character: pair ? String.fromCharCode(high, low) : '\ufffd', end: at + 10 };
}

function hexAt(text: string, at: number): number | undefined {
  const digits = text.slice(at, at + 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
}
