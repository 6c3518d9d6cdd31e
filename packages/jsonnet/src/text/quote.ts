// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that JSON output escapes
const plain = /^[^"\\\u0000-\u001f\u007f-\u009f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that Go's encoder escapes
const goPlain = /^[^"\\\u0000-\u001f\u2028\u2029]*$/;
/** What JSON.stringify leaves as it is. */
const unescaped = /[\u007f-\u009f]+/g;
const escapes: readonly string[] = Array.from({ length: 0xa0 }, (_, code) => escapeOf(code));

/** A string as JSON output has it: C1 controls are escaped, other characters outside ASCII are not. */
export function quoteJson(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(unescaped, escaped);
}

function escaped(characters: string): string {
  let out = '';
  for (let at = 0; at < characters.length; at += 1) out += escapes[characters.charCodeAt(at)];
  return out;
}

function escapeOf(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** A string as Go's JSON encoder writes it, which `std.manifestJsonEx` uses: line separators are escaped, C1 controls are not. */
export function quoteGoJson(text: string): string {
  if (goPlain.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (character) => escapeOf(character.charCodeAt(0)));
}
