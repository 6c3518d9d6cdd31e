const words: ReadonlyMap<string, null | boolean | number> = new Map<string, null | boolean | number>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, Number.NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
]);
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** A YAML 1.1 scalar as the reference reads it: only what is written without quotes or has a tag is more than a string. */
export function resolveScalar(text: string, { plain, tag }: { plain: boolean; tag: string | undefined }): null | boolean | number | string {
  const name = tag?.replace(/^tag:yaml\.org,2002:|^!!/, '');
  if (name === 'str') return text;
  if (name === 'binary') return Buffer.from(text, 'base64').toString('utf8');
  const typed = name === 'int' || name === 'float' || name === 'bool' || name === 'null';
  if (!typed && (!plain || (tag?.startsWith('!') === true && !tag.startsWith('!!')))) return text;
  const word = words.get(text);
  if (word !== undefined) return word;
  return /^[-+.0-9]/.test(text) ? (numberOf(text) ?? text) : text;
}

function numberOf(text: string): number | undefined {
  const bare = text.replaceAll('_', '');
  const [, sign = '', body = ''] = /^([-+]?)(.*)$/s.exec(bare) ?? [];
  const integer = integerOf(body);
  if (integer !== undefined) return sign === '-' ? 0 - integer : integer;
  if (!float.test(bare)) return undefined;
  const number = Number(bare);
  return Number.isFinite(number) ? number : undefined;
}

function integerOf(body: string): number | undefined {
  if (/^0[xX][0-9a-fA-F]+$|^0[oO][0-7]+$|^0[bB][01]+$/.test(body)) return Number(body.toLowerCase());
  if (/^0[0-7]+$/.test(body)) return Number.parseInt(body, 8);
  return /^(?:0|[1-9][0-9]*)$/.test(body) ? Number(body) : undefined;
}
