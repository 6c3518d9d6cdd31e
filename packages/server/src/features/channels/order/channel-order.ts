import type { OrderRules } from '../order-rules.ts';
import type { OrderedOutput } from '../ordered-output.ts';
import type { SlabBudget } from '../slab-budget.ts';
import { Candidates } from './candidates.ts';
import { type Lane, Lanes, type SourceConnection } from './connections.ts';
import { firstOfLargestGroup, HeldPackets } from './held-packets.ts';
import { OrderCounts } from './order-counts.ts';
import type { OrderObserver } from './order-observer.ts';
import type { Packet } from './packet.ts';
import { PayloadSlabs, type StoredPacket } from './payload-slabs.ts';
import { ReorderWindow } from './reorder-window.ts';

interface ChannelOrderOptions {
  readonly rules: OrderRules;
  readonly output: OrderedOutput;
  readonly budget: SlabBudget;
  readonly observer: OrderObserver;
}

type Phase =
  | { readonly type: 'empty' }
  | { readonly type: 'starting'; readonly until: number }
  | { readonly type: 'ordered' }
  | { readonly type: 'judging'; readonly until: number };

/**
 * The order of one channel: a state machine to which time is an argument.
 *
 *     empty --first packet--> starting --time, window full, or 0 with policy zero--> ordered
 *                                                                                   |     ^
 *                                                all its connections are new ones   v     | time, window full:
 *                                                                                 judging-'  the same epoch, or a new one
 *
 * While it is starting or judging, packets are held: they set where the count begins, or whether it goes on. While it is ordered, numbers
 * that cannot belong to the count are candidates. Eight of them begin a new epoch once no number of the count came for the timeout.
 */
export class ChannelOrder {
  readonly counts = new OrderCounts();
  readonly #options: ChannelOrderOptions;
  readonly #slabs: PayloadSlabs;
  readonly #window: ReorderWindow;
  readonly #candidates: Candidates;
  readonly #lanes = new Lanes();
  readonly #held = new HeldPackets();
  #phase: Phase = { type: 'empty' };
  #epoch = 0;
  /** When a number of the count came last. */
  #inWindowAt = Number.NEGATIVE_INFINITY;

  constructor(options: ChannelOrderOptions) {
    const { rules, budget } = options;
    this.#options = options;
    this.#slabs = new PayloadSlabs({ budget, maxBytes: rules.maxChannelBytes });
    this.#window = new ReorderWindow({ ...options, slabs: this.#slabs, counts: this.counts });
    this.#candidates = new Candidates({ rules, slabs: this.#slabs, counts: this.counts });
  }

  get phase(): Phase['type'] {
    return this.#phase.type;
  }

  /** Counted from 1; 0 before the first. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The number that is due; 0 before the first epoch. */
  get next(): number {
    return this.#window.next;
  }

  /** Packets that wait, are held, or are candidates. */
  get buffered(): number {
    return this.#window.depth + this.#held.size + this.#candidates.size;
  }

  get slabs(): number {
    return this.#slabs.slabs;
  }

  /** When `expire` has something to do; infinite while nothing is buffered. */
  get deadline(): number {
    const undecided = 'until' in this.#phase ? this.#phase.until : this.#candidates.deadline(this.#inWindowAt);
    return Math.min(this.#window.deadline, undecided);
  }

  /** Time never goes back from one call to the next. */
  receive(packet: Packet, connection: SourceConnection): void {
    if (this.deadline <= packet.arrivedAt) this.expire(packet.arrivedAt);
    this.counts.packets += 1;
    this.counts.bytes += packet.end - packet.start;
    const lane = this.#lanes.of(connection);
    const until = packet.arrivedAt + this.#options.rules.timeoutMs;
    switch (this.#phase.type) {
      case 'ordered':
        if (lane.isEstablished || this.#lanes.hasEstablished) this.#place(packet, lane);
        else {
          this.#phase = { type: 'judging', until };
          this.#hold(packet, lane);
        }
        break;
      case 'empty':
        this.#phase = { type: 'starting', until };
        this.#hold(packet, lane);
        break;
      case 'starting':
      case 'judging':
        this.#hold(packet, lane);
        break;
    }
  }

  expire(now: number): void {
    if ('until' in this.#phase && now >= this.#phase.until) this.#decide(now);
    if (this.#phase.type === 'ordered' && this.#candidates.deadline(this.#inWindowAt) <= now) {
      if (this.#candidates.isEnough) this.#beginEpoch(this.#candidates.takeSorted(), now);
      else if (this.#candidates.dropStale(now)) this.#lanes.forgetRestarts();
    }
    this.#window.expire(now);
  }

  /** Delivers what waits, and drops what has no place: nothing more will come. */
  flush(now: number): void {
    if ('until' in this.#phase) this.#decide(now);
    this.#window.flush(now);
    this.#candidates.dropAll();
  }

  #hold(packet: Packet, lane: Lane): void {
    const { rules } = this.#options;
    const stored = this.#held.size < rules.windowPackets ? this.#slabs.store(packet) : undefined;
    if (stored) {
      this.#held.add(stored);
      if (this.#phase.type === 'starting' && rules.startPolicy === 'zero' && packet.sequence === 0) this.#decide(packet.arrivedAt);
    } else {
      if (this.#held.size === 0) this.#decideBy(packet);
      else this.#decide(packet.arrivedAt);
      this.#place(packet, lane);
    }
  }

  #decide(now: number): void {
    const held = this.#held.takeSorted();
    const isNewCount = this.#phase.type === 'starting' || this.#areMostlyBehind(held);
    if (isNewCount) {
      this.#beginEpoch(held, now);
    } else {
      this.#phase = { type: 'ordered' };
      this.#lanes.establish();
      for (const packet of held) this.#replace(packet);
    }
  }

  /** There is no room to hold anything: the packet alone decides. */
  #decideBy({ sequence, arrivedAt }: Packet): void {
    if (this.#phase.type === 'starting') this.#openEpoch(sequence, arrivedAt);
    this.#phase = { type: 'ordered' };
    this.#lanes.establish();
  }

  /** At least half of the numbers were there before. */
  #areMostlyBehind(sorted: readonly StoredPacket[]): boolean {
    const numbers = sorted.filter(({ sequence }, index) => sequence !== sorted[index - 1]?.sequence);
    return numbers.filter(({ sequence }) => this.#window.isBehind(sequence)).length * 2 >= numbers.length;
  }

  #beginEpoch(sorted: readonly StoredPacket[], now: number): void {
    const { startPolicy, resetDistance } = this.#options.rules;
    const isFromZero = this.#epoch === 0 && startPolicy === 'zero' && sorted[0]?.sequence === 0;
    this.#window.flush(now);
    this.#candidates.dropAll();
    this.#openEpoch(isFromZero ? 0 : firstOfLargestGroup(sorted, resetDistance), now);
    for (const packet of sorted) this.#replace(packet);
  }

  #openEpoch(first: number, now: number): void {
    const { output, observer } = this.#options;
    this.#epoch += 1;
    this.#phase = { type: 'ordered' };
    this.#inWindowAt = now;
    this.#lanes.forgetPositions();
    this.#lanes.establish();
    output.epoch(this.#epoch, first);
    observer.epoch(this.#epoch, first);
    this.#window.start(first);
  }

  /** A packet that was held: of which connection it came does not matter any more. */
  #replace(packet: StoredPacket): void {
    const { windowPackets, resetDistance } = this.#options.rules;
    const { next } = this.#window;
    if (packet.sequence >= next - windowPackets && packet.sequence <= next + resetDistance)
      this.#inWindowAt = Math.max(this.#inWindowAt, packet.arrivedAt);
    const isKept = packet.sequence > next + resetDistance ? this.#candidates.add(packet) : this.#order(packet);
    if (!isKept) this.#slabs.release(packet);
  }

  #place(packet: Packet, lane: Lane): void {
    const { windowPackets, resetDistance } = this.#options.rules;
    const { sequence, arrivedAt } = packet;
    const { next } = this.#window;
    if (sequence > next + resetDistance) {
      this.#candidates.add(packet);
    } else if (isRestart(packet, { lane, next, windowPackets })) {
      lane.restart = sequence;
      this.#candidates.add(packet);
    } else {
      if (sequence > lane.highest) lane.highest = sequence;
      if (sequence >= next - windowPackets) {
        this.#inWindowAt = arrivedAt;
        if (this.#candidates.size > 0 && this.#candidates.dropOlderThanTimeout(arrivedAt)) this.#lanes.forgetRestarts();
      }
      this.#order(packet);
    }
  }

  /** True: the packet waits. */
  #order(packet: Packet): boolean {
    const verdict = this.#window.receive(packet);
    if (verdict === 'duplicate') this.counts.duplicates += 1;
    else if (verdict === 'late') this.counts.late += 1;
    return verdict === 'waiting';
  }
}

interface Place {
  readonly lane: Lane;
  readonly next: number;
  readonly windowPackets: number;
}

/**
 * The number lies further behind its own connection than any reordering explains. A passed number that is nearer to the last such number
 * than to the highest belongs to the same restart: else the count of a source that began again would become one of the old numbers as soon
 * as it comes near to them.
 */
function isRestart({ sequence }: Packet, { lane: { highest, restart }, next, windowPackets }: Place): boolean {
  const behind = highest - sequence;
  if (behind < 0) return false;
  if (behind > windowPackets) return true;
  return sequence < next && (behind === windowPackets || (restart >= 0 && Math.abs(sequence - restart) < behind));
}
