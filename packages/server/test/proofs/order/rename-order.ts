import { join } from 'node:path';
import type { Call } from '../shim/call-log.ts';
import { DiskHistory } from './disk-history.ts';

export interface RenameOptions {
  readonly root: string;
  /** Renames whose new name begins with one of these are somebody else's: an engine's own files. */
  readonly exempt?: readonly string[];
  /** The folder of objects, whose keys the log has as `text` in the writes that name them. */
  readonly objects: string;
}

export interface RenameReport {
  readonly renames: number;
  /** Objects that metadata name. */
  readonly named: number;
  readonly violations: readonly string[];
}

/**
 * A rename makes a file durable in three steps: its content is synced before, its folder after, and only then anything relies on it.
 * What relies on a staged object is the write that names it in metadata; on any other name, the first HTTP answer behind the rename
 * of a file that is made before the service answers.
 */
export function checkRenameOrder(calls: readonly Call[], { root, exempt = [], objects }: RenameOptions): RenameReport {
  const history = new DiskHistory(calls, root);
  const renames = calls.filter(
    ({ name, result, other }) =>
      name === 'rename' && result === 0 && other.startsWith(`${root}/`) && !exempt.some((prefix) => other.startsWith(prefix)),
  );
  const answered = calls.find(({ name }) => name === 'answer')?.begin ?? Number.POSITIVE_INFINITY;
  const namings = firstNamings(calls);
  const violations: string[] = [];
  for (const rename of renames) {
    const source = linkedFrom(calls, rename) ?? rename.path;
    if (!history.contentSyncedBefore(source, rename.begin)) violations.push(`${source} was renamed before it was synced`);
    const durable = history.nameDurable(rename.other);
    if ('never' in durable) violations.push(durable.never);
    else if (rename.begin < answered && durable.from > answered) violations.push(`${rename.other} was not durable at the first answer`);
  }
  for (const [key, naming] of namings) {
    const path = join(objects, key);
    if (!renames.some(({ other, end }) => other === path && end < naming.begin)) {
      violations.push(`${key} was named in metadata before it was renamed into its place`);
      continue;
    }
    const durable = history.nameDurable(path);
    if ('never' in durable || durable.from > naming.begin) violations.push(`${key} was named in metadata before its name was durable`);
  }
  return { renames: renames.length, named: namings.size, violations };
}

function firstNamings(calls: readonly Call[]): Map<string, Call> {
  const namings = new Map<string, Call>();
  for (const call of calls) if (call.name === 'text' && !namings.has(call.other)) namings.set(call.other, call);
  return namings;
}

/** The file whose content a renamed link shares. */
const linkedFrom = (calls: readonly Call[], { path, begin }: Call): string | undefined =>
  calls.findLast(({ name, other, result, end }) => name === 'link' && result === 0 && other === path && end < begin)?.path;
