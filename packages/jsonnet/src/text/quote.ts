// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that JSON output escapes
const plain = /^[^"\\\u0000-\u001f\u007f-\u009f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that JSON output escapes
const special = /["\\\u0000-\u001f\u007f-\u009f]/g;

const short: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** A string as JSON output has it: C1 controls are escaped, other characters outside ASCII are not. */
export function quoteJson(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  return `"${text.replace(special, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  return short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that Go's encoder escapes
const goSpecial = /["\\\u0000-\u001f\u2028\u2029]/g;

/** A string as Go's JSON encoder writes it, which `std.manifestJsonEx` uses: line separators are escaped, C1 controls are not. */
export function quoteGoJson(text: string): string {
  return `"${text.replace(goSpecial, escapeCharacter)}"`;
}
