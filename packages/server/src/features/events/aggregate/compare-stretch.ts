import type { Finding, SeriesType, TypeTally } from '@sluice/contract/event-series';

/** What the log and the stores say about some offsets of one partition. */
export interface StretchFacts {
  readonly partition: number;
  /** By offset, which routes take the event; events that none takes may be left out. */
  readonly expected: ReadonlyMap<number, readonly SeriesType[]>;
  /** Of the stores that answered: offsets in ascending order, as often as they are stored. */
  readonly stored: ReadonlyMap<SeriesType, readonly number[]>;
  /** First offset that the route has not handled yet. */
  readonly handledTo: ReadonlyMap<SeriesType, number>;
}

export interface StretchResult {
  readonly tallies: readonly TypeTally[];
  readonly inBoth: number;
  /** All that differs, up to `maxFindings`. */
  readonly findings: readonly Finding[];
}

/** Compares what is stored with what should be. */
export function compareStretch({ partition, expected, stored, handledTo }: StretchFacts, maxFindings: number): StretchResult {
  const findings: Finding[] = [];
  const find = (kind: Finding['kind'], type: SeriesType | null, offset: number) => {
    if (findings.length < maxFindings) findings.push({ kind, type, partition, offset });
  };
  const sets = new Map([...stored].map(([type, offsets]) => [type, new Set(offsets)]));
  const [one, other] = [sets.get('low'), sets.get('high')];
  const both = one && other ? [...one].filter((offset) => other.has(offset) && (expected.get(offset)?.length ?? 0) < 2) : [];
  for (const offset of both) find('inBoth', null, offset);
  const inBoth = new Set(both);
  const tallies = [...sets].map(([type, set]) => {
    const tally = { type, expected: 0, stored: stored.get(type)?.length ?? 0, missing: 0, double: 0, stray: 0, pending: 0 };
    for (const [offset, types] of expected) {
      if (!types.includes(type)) continue;
      tally.expected += 1;
      if (set.has(offset)) continue;
      if (offset >= (handledTo.get(type) ?? 0)) tally.pending += 1;
      else {
        tally.missing += 1;
        find('missing', type, offset);
      }
    }
    let last = -1;
    for (const offset of stored.get(type) ?? []) {
      if (offset === last) {
        tally.double += 1;
        find('double', type, offset);
      } else if (!expected.get(offset)?.includes(type) && !inBoth.has(offset)) {
        tally.stray += 1;
        find('stray', type, offset);
      }
      last = offset;
    }
    return tally;
  });
  return { tallies, inBoth: inBoth.size, findings };
}

/** Of two stretches with the same types. */
export function addTallies(one: readonly TypeTally[], other: readonly TypeTally[]): TypeTally[] {
  return other.map((tally) => {
    const before = one.find(({ type }) => type === tally.type);
    if (!before) return tally;
    const sum = (name: Exclude<keyof TypeTally, 'type'>) => before[name] + tally[name];
    return {
      type: tally.type,
      expected: sum('expected'),
      stored: sum('stored'),
      missing: sum('missing'),
      double: sum('double'),
      stray: sum('stray'),
      pending: sum('pending'),
    };
  });
}
