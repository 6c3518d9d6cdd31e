import { isUtf8 } from 'node:buffer';

/** Headers that carry credentials; what a source hides from its columns unless it is told otherwise. Lower case. */
export const credentialHeaders: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-storageapi-token']);

/** Header names as they are compared. */
export const headerNames = (names: readonly string[]): ReadonlySet<string> => new Set(names.map((name) => name.trim().toLowerCase()));

/**
 * What columns see of the headers: canonical names (`X-Foo-Bar`) in byte order, of repeated headers the first value.
 *
 * `hidden` names (lower case) are left out, and so is always `Host`: the preview reaches another host than ingest does
 * and both have to show the same.
 *
 * @param rawHeaders Node's flat list of names and values
 */
export function visibleHeaders(rawHeaders: readonly string[], hidden: ReadonlySet<string>): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const lowerCase = (rawHeaders[index] ?? '').toLowerCase();
    if (lowerCase === 'host' || hidden.has(lowerCase)) continue;
    const name = canonicalName(lowerCase);
    if (!values.has(name)) values.set(name, headerText(rawHeaders[index + 1] ?? ''));
  }
  return new Map([...values.keys()].sort().map((name) => [name, values.get(name) ?? '']));
}

/** A compact JSON object. No HTML escapes: the column is data, whoever puts it into a page escapes it there. */
export function headersJson(headers: ReadonlyMap<string, string>): string {
  return `{${Array.from(headers, ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

/** The first value of a header, `''` if there is none. The name is lower case. */
export function firstHeader(rawHeaders: readonly string[], name: string): string {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) return rawHeaders[index + 1] ?? '';
  }
  return '';
}

/** As visible headers are named; case does not matter. */
export const canonicalHeaderName = (name: string): string => canonicalName(name.toLowerCase());

/** From lower case: the first letter and letters behind `-` are capitals. */
function canonicalName(lowerCase: string): string {
  let name = '';
  for (let start = 0; start < lowerCase.length; ) {
    const dash = lowerCase.indexOf('-', start);
    const behind = dash < 0 ? lowerCase.length : dash + 1;
    name += lowerCase.charAt(start).toUpperCase() + lowerCase.slice(start + 1, behind);
    start = behind;
  }
  return name;
}

/** Node gives header bytes as Latin-1. They are read as UTF-8 if they are that, else as Latin-1: always valid text. */
function headerText(value: string): string {
  if (!notAscii.test(value)) return value;
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : value;
}

const notAscii = /[^\0-\x7f]/;
