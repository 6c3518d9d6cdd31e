/** What a request path of the HTTP source means. */
export type StreamPath =
  /** `secret` is undefined where the path leaves it to the `Authorization` header. */
  | { readonly type: 'stream'; readonly project: string; readonly sourceId: string; readonly secret: string | undefined }
  | { readonly type: 'health' }
  | { readonly type: 'unknown' };

/**
 * `/stream/<project>/<source>/<secret>` or `/stream/<project>/<source>`: percent-decoded, double slashes and dot segments
 * resolved, query ignored; also in the absolute form that proxies send. A trailing slash gives an empty secret, which opens nothing.
 */
export function parseStreamPath(url: string): StreamPath {
  const [root, ...parts] = segmentsOf(pathOf(url));
  if (root === 'health-check' && parts.length === 0) return { type: 'health' };
  const [project, sourceId, secret] = parts;
  if (root !== 'stream' || project === undefined || sourceId === undefined || parts.length > 3) return { type: 'unknown' };
  return { type: 'stream', project, sourceId, secret };
}

/** True for `?verbose=true`, exactly. */
export const isVerbose = (url: string): boolean => /[?&]verbose=true(?:&|$)/.test(url);

/** The secret of `Authorization: Bearer <secret>`, its scheme in any case; `''` for every other value. */
export function bearerSecret(authorization: string): string {
  return /^bearer (?<secret>.*)$/i.exec(authorization)?.groups?.['secret'] ?? '';
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  const whole = query < 0 ? url : url.slice(0, query);
  return whole.startsWith('/') ? whole : whole.replace(/^https?:\/\/[^/]*/i, '');
}

function segmentsOf(path: string): string[] {
  if (!unusual.test(path)) return path.split('/').slice(1);
  const parts = path
    .replaceAll(/\/{2,}/g, '/')
    .split('/')
    .slice(1);
  const segments: string[] = [];
  for (const part of parts) {
    if (part === '..') segments.pop();
    else if (part !== '.') segments.push(decode(part));
  }
  return segments;
}

/** What a path must have for anything in it to be resolved or decoded. */
const unusual = /%|\/\/|\/\./;

function decode(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
