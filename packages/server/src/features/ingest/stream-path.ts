/** What a request path of the HTTP source means. */
export type StreamPath =
  | { readonly type: 'stream'; readonly project: string; readonly sourceId: string; readonly secret: string }
  | { readonly type: 'health' }
  | { readonly type: 'unknown' };

/**
 * `/stream/<project>/<source>/<secret>`: percent-decoded, double slashes and dot segments resolved, query ignored.
 * A trailing slash gives an empty secret, which opens nothing.
 */
export function parseStreamPath(url: string): StreamPath {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  if (path === '/health-check') return { type: 'health' };
  const [root, project, sourceId, secret, ...more] = segmentsOf(path);
  if (root !== 'stream' || project === undefined || sourceId === undefined || secret === undefined || more.length > 0) return { type: 'unknown' };
  return { type: 'stream', project, sourceId, secret };
}

/** True for `?verbose=true`, exactly. */
export const isVerbose = (url: string): boolean => /[?&]verbose=true(?:&|$)/.test(url);

function segmentsOf(path: string): string[] {
  const parts = path.replaceAll(/\/{2,}/g, '/').split('/').slice(1);
  const segments: string[] = [];
  for (const part of parts) {
    if (part === '..') segments.pop();
    else if (part !== '.') segments.push(decode(part));
  }
  return segments;
}

function decode(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
