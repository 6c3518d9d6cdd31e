/** A line of InfluxDB's line protocol, taken apart. */
export interface ParsedLine {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, number | string | boolean>>;
  /** Nanoseconds. */
  readonly time: bigint;
}

const name = String.raw`(?:[^\\, =\n]|\\[\\, =])+`;
const lineForm = new RegExp(`^(${name})((?:,${name}=${name})*) (${name}=.*) (-?\\d{1,19})$`);
const fieldForm = new RegExp(`^(${name})=(?:"((?:[^"\\\\]|\\\\["\\\\])*)"|([^",\\s]+))(?:,|$)`);
const floatForm = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const booleans: Readonly<Record<string, boolean>> = { t: true, true: true, f: false, false: false };
const maxTime = 2n ** 63n - 2n;

/**
 * Strict: what the reference says of the syntax and nothing beyond it, and a timestamp in every line. Throws the server's sentence
 * for a line that it would refuse.
 */
export function parseLine(line: string): ParsedLine {
  const [, measurement, tags = '', fields = '', timestamp = ''] = lineForm.exec(line) ?? [];
  if (measurement === undefined) throw bad(line, 'invalid syntax');
  const time = BigInt(timestamp);
  if (time > maxTime || time < -maxTime) throw bad(line, 'time outside range');
  const pairs =
    tags === ''
      ? []
      : tags
          .slice(1)
          .split(',')
          .map((tag) => tag.split('='));
  const keys = pairs.map(([key = '']) => key);
  if (new Set(keys).size !== keys.length) throw bad(line, 'duplicate tags');
  return { measurement: unescaped(measurement), tags: Object.fromEntries(pairs), fields: parseFields(line, fields), time };
}

function parseFields(line: string, text: string): ParsedLine['fields'] {
  const fields: Record<string, number | string | boolean> = {};
  for (let rest = text; rest !== ''; ) {
    const [whole, key, quoted, plain = ''] = fieldForm.exec(rest) ?? [];
    if (whole === undefined || key === undefined) throw bad(line, 'invalid field format');
    rest = rest.slice(whole.length);
    if (rest === '' && whole.endsWith(',')) throw bad(line, 'missing field key');
    if (quoted !== undefined) fields[unescaped(key)] = quoted.replaceAll(/\\(["\\])/g, '$1');
    else if (/^-?\d+i$/.test(plain)) fields[unescaped(key)] = Number.parseInt(plain, 10);
    else if (plain.toLowerCase() in booleans) fields[unescaped(key)] = booleans[plain.toLowerCase()] === true;
    else if (floatForm.test(plain) && Number.isFinite(Number(plain))) fields[unescaped(key)] = Number(plain);
    else throw bad(line, 'invalid number');
  }
  return fields;
}

const unescaped = (text: string): string => text.replaceAll(/\\([\\, =])/g, '$1');

const bad = (line: string, reason: string): Error => new Error(`unable to parse '${line}': ${reason}`);
