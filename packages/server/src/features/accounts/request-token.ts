import type { IncomingHttpHeaders } from 'node:http';

/** Headers in which a token may come, lower case. */
export const tokenHeaders: ReadonlySet<string> = new Set(['x-storageapi-token', 'authorization']);

/** `X-StorageApi-Token`, else the bearer of `Authorization`. What stands before the first space (`Bearer abc`) is dropped. */
export function requestToken(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['x-storageapi-token'];
  const header = (Array.isArray(given) ? given[0] : given) || bearerOf(headers.authorization);
  if (header === undefined) return undefined;
  const token = header.slice(header.indexOf(' ') + 1);
  return token === '' ? undefined : token;
}

const bearerOf = (authorization: string | undefined): string | undefined =>
  /^bearer /i.test(authorization ?? '') ? authorization : undefined;
