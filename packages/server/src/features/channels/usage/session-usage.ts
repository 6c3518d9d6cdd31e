import { hourMs, type PacketRun, type UsageRange, type UsageTotal } from '../../../engines/usage/usage-store.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { DeliveredRange, SessionAccount, SessionIdentity } from '../session-account.ts';

/** What the sessions of a process share. */
export interface UsageBook {
  readonly clock: Clock;
  /** The session has one more row to be flushed. False: there is no room for it, and what it counts is lost. */
  takeRow(session: SessionUsage): boolean;
  lost(packets: number): void;
  closed(): void;
  readonly packetLog: 'off' | 'sampled' | 'full';
  log(run: PacketRun): void;
}

/** What was counted since the last flush, of one hour and epoch. Without numbers where no packet was handed over. */
interface Row {
  readonly hourMs: number;
  epoch: number;
  from: number;
  to: number;
  packets: number;
  bytes: number;
  dropped: number;
  startMs: number;
  endMs: number;
}

interface SessionUsageOptions {
  readonly session: SessionIdentity;
  /** Media time of a packet, milliseconds. */
  readonly packetMs: number;
  readonly book: UsageBook;
}

/** Hours whose totals a session remembers, for the correction at its end. */
const maxHours = 24;
const noNumbers = { from: 0, to: -1 } as const;

/**
 * The account of one session: it gathers rows, which become ranges when they are cut. A row is of one hour (U2), and hours never go
 * back, whatever the clock does. Totals are those of the ranges that were cut (U3).
 */
export class SessionUsage implements SessionAccount {
  readonly #session: SessionIdentity;
  readonly #packetMs: number;
  readonly #book: UsageBook;
  /** By hour, in ascending order. */
  #totals: ReadonlyMap<number, UsageTotal> = new Map();
  #rows: Row[] = [];
  #last: Row | undefined;
  #flush = 0;
  #hourMs = 0;
  #epoch = 0;
  #state: 'open' | 'closed' = 'open';

  constructor({ session, packetMs, book }: SessionUsageOptions) {
    this.#session = session;
    this.#packetMs = packetMs;
    this.#book = book;
  }

  get rowCount(): number {
    return this.#rows.length;
  }

  delivered({ epoch, from, to, packets, bytes }: DeliveredRange): void {
    if (this.#state === 'closed') return;
    const nowMs = this.#book.clock.now();
    const before = this.#last;
    const row = this.#rowAt(nowMs, epoch);
    if (!row) {
      this.#book.lost(packets);
      return;
    }
    if (row.from > row.to) {
      row.epoch = epoch;
      row.from = from;
    }
    row.to = to;
    row.packets += packets;
    row.bytes += bytes;
    if (nowMs > row.endMs) row.endMs = nowMs;
    this.#epoch = epoch;
    const { packetLog } = this.#book;
    if (packetLog === 'full' || (packetLog === 'sampled' && row !== before))
      this.#book.log({ ...this.#key(), atMs: nowMs, epoch, from, to, packets, bytes });
  }

  dropped(packets: number): void {
    if (this.#state === 'closed') return;
    const row = this.#rowAt(this.#book.clock.now(), undefined);
    if (row) row.dropped += packets;
  }

  /** What was not taken comes off the hours it was counted in, the last hour first, and never more than was counted. */
  close(untaken: { readonly packets: number; readonly bytes: number } = { packets: 0, bytes: 0 }): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    let { packets, bytes } = untaken;
    const { totals } = this.#render();
    for (const [hour, total] of [...totals].reverse()) {
      const less = { packets: Math.min(packets, total.packets), bytes: Math.min(bytes, total.bytes) };
      if (less.packets <= 0 && less.bytes <= 0) continue;
      packets -= less.packets;
      bytes -= less.bytes;
      const { startMs, endMs } = total;
      this.#add({ hourMs: hour, epoch: this.#epoch, ...noNumbers, dropped: 0, packets: -less.packets, bytes: -less.bytes, startMs, endMs });
    }
    this.#book.closed();
  }

  /** The ranges that a cut would give now; they keep their keys only until something more is counted. */
  peek(): readonly UsageRange[] {
    return this.#render().ranges;
  }

  /** Takes what was counted as ranges, which do not change any more. */
  cut(): readonly UsageRange[] {
    const { ranges, totals } = this.#render();
    this.#flush += ranges.length;
    this.#totals = new Map([...totals].slice(-maxHours));
    this.#rows = [];
    this.#last = undefined;
    return ranges;
  }

  #rowAt(nowMs: number, epoch: number | undefined): Row | undefined {
    if (nowMs >= this.#hourMs + hourMs) this.#hourMs = nowMs - (nowMs % hourMs);
    const last = this.#last;
    if (last?.hourMs === this.#hourMs && (epoch === undefined || last.epoch === epoch || last.from > last.to)) return last;
    const atMs = Math.max(nowMs, this.#hourMs);
    const nothing = { packets: 0, bytes: 0, dropped: 0, startMs: atMs, endMs: atMs };
    return this.#add({ hourMs: this.#hourMs, epoch: epoch ?? this.#epoch, ...noNumbers, ...nothing });
  }

  #add(row: Row): Row | undefined {
    if (!this.#book.takeRow(this)) return undefined;
    this.#rows.push(row);
    this.#last = row;
    return row;
  }

  #render(): { readonly ranges: readonly UsageRange[]; readonly totals: ReadonlyMap<number, UsageTotal> } {
    const totals = new Map(this.#totals);
    const ranges = this.#rows.map((row, index) => {
      const { hourMs: hour, epoch, from, to, packets, bytes, dropped, startMs, endMs } = row;
      const figures = { packets, bytes, mediaMs: packets * this.#packetMs, dropped };
      const total = plus(totals.get(hour), { ...figures, startMs, endMs });
      totals.set(hour, total);
      return { ...this.#key(), hourMs: hour, flush: this.#flush + index + 1, epoch, from, to, ...figures, total };
    });
    return { ranges, totals };
  }

  #key(): { readonly user: string; readonly channel: string; readonly sessionId: string } {
    const { user, channel, sessionId } = this.#session;
    return { user, channel, sessionId };
  }
}

function plus(total: UsageTotal | undefined, row: UsageTotal): UsageTotal {
  if (!total) return row;
  return {
    packets: total.packets + row.packets,
    bytes: total.bytes + row.bytes,
    mediaMs: total.mediaMs + row.mediaMs,
    dropped: total.dropped + row.dropped,
    startMs: Math.min(total.startMs, row.startMs),
    endMs: Math.max(total.endMs, row.endMs),
  };
}
