import { basename, dirname } from 'node:path';
import type { Call } from '../shim/call-log.ts';

export interface FailedPartsReport {
  /** Parts whose sync failed, or that were cut back because a write did. */
  readonly failed: number;
  readonly violations: readonly string[];
}

/**
 * Record path 2: after a failed write or sync a part takes no more appends and its sync is not repeated; at most it is cut back
 * once and the cut is synced. The sink goes on with a part of a higher number. What the reader syncs before it links a part into
 * the staged objects is not the writer's; that no answer relies on it is what `checkAnswerOrder` shows.
 *
 * @param isPart tells part files from all others
 */
export function checkFailedParts(calls: readonly Call[], isPart: (path: string) => boolean): FailedPartsReport {
  const ofPart = Map.groupBy(
    calls.filter(({ path }) => isPart(path)),
    ({ path }) => path,
  );
  const created = calls.filter(({ name, path, result }) => name === 'create' && result >= 0 && isPart(path));
  const violations: string[] = [];
  let failed = 0;
  for (const [path, own] of ofPart) {
    const end = own.findIndex(({ name, result }) => name === 'truncate' || (name === 'fdatasync' && result !== 0));
    if (end < 0) continue;
    failed += 1;
    const failedAt = own[end]?.begin ?? 0;
    const isNext = (other: Call) => other.begin > failedAt && sinkOf(other.path) === sinkOf(path) && numberOf(other.path) > numberOf(path);
    if (!created.some(isNext)) violations.push(`${path}: no part of a higher number follows in its sink`);
    const after = own.slice(own[end]?.name === 'truncate' ? end : end + 1);
    const linked = after.findLastIndex(({ name }) => name === 'link');
    const count = (name: Call['name'], calls = after) => calls.filter((call) => call.name === name).length;
    if (count('write') > 0) violations.push(`${path}: bytes were appended after it had failed`);
    if (count('fdatasync', after.slice(linked + 1)) > 0) violations.push(`${path}: the sync was repeated`);
    if (count('truncate') > 1 || count('fsync') > 1) violations.push(`${path}: the cut was repeated`);
  }
  return { failed, violations };
}

const sinkOf = (path: string): string => dirname(dirname(path));
const numberOf = (path: string): number => Number(/-(\d+)\./.exec(basename(path))?.[1] ?? Number.NaN);
