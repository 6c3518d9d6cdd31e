import { maxTextLength } from '../../../engines/usage/usage-store.ts';

/** A source may name its channels by any bytes: a name that a store refuses would keep all others from it. */
export function storableName(name: string): string {
  const text = name.toWellFormed().replaceAll('\0', '\\0').slice(0, maxTextLength).toWellFormed();
  return text === '' ? '?' : text;
}
