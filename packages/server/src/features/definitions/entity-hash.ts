import { createHash } from 'node:crypto';

const historyFields: ReadonlySet<string> = new Set(['version', 'created', 'disabled', 'deleted']);

/**
 * 16 hex digits over what an entity says: 64 bits of SHA-256 over its JSON with sorted keys,
 * without its history (version, created, disabled, deleted), empty texts and empty lists, so that defaults spelled out do not change it.
 */
export function entityHash(entity: object): string {
  const content = Object.fromEntries(Object.entries(entity).filter(([name]) => !historyFields.has(name)));
  return createHash('sha256')
    .update(JSON.stringify(canonical(content)))
    .digest('hex')
    .slice(0, 16);
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, child]) => !isZero(child));
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, child]) => [key, canonical(child)]));
}

const isZero = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || value === false || value === 0 || (Array.isArray(value) && value.length === 0);
