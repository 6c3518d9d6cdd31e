/** A character as Go's `%q` with ASCII only shows it; a missing one as the replacement character. */
export function quoteRune(character: string): string {
  const code = character.codePointAt(0);
  if (code === undefined) return "'\\ufffd'";
  return `'${escapeRune(code, "'", true)}'`;
}

/** A string as Go's `%#v` shows it. */
export function quoteString(text: string): string {
  let out = '"';
  for (const character of text) out += escapeRune(character.codePointAt(0) ?? 0, '"', false);
  return `${out}"`;
}

const named: Readonly<Record<number, string>> = { 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r', 92: '\\\\' };
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

function escapeRune(code: number, quote: string, asciiOnly: boolean): string {
  const character = String.fromCodePoint(code);
  if (character === quote) return `\\${quote}`;
  const name = named[code];
  if (name !== undefined) return name;
  if (code >= 32 && code < 127) return character;
  if (code < 32 || code === 127) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (!asciiOnly && printable.test(character)) return character;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
