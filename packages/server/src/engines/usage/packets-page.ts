import type { PacketRun, PacketsPage, PacketsQuery } from './usage-store.ts';

/** The page from the first `limit + 1` rows by time that a store has found, or from all where there are fewer; in any order. */
export function packetsPage(found: readonly PacketRun[], { limit, toMs }: PacketsQuery): PacketsPage {
  const sorted = found.toSorted(inOrder);
  const first = sorted[limit];
  if (first === undefined) return { rows: sorted, more: false, throughMs: toMs - 1 };
  const whole = sorted.slice(0, limit).filter(({ atMs }) => atMs < first.atMs);
  const rows = whole.length > 0 ? whole : sorted.slice(0, limit);
  return { rows, more: true, throughMs: rows.at(-1)?.atMs ?? first.atMs };
}

function inOrder(one: PacketRun, other: PacketRun): number {
  return (
    one.atMs - other.atMs ||
    compare(one.channel, other.channel) ||
    compare(one.sessionId, other.sessionId) ||
    one.epoch - other.epoch ||
    one.from - other.from
  );
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));
