import type { OrderRules } from '../order-rules.ts';
import type { GapReason, OrderedOutput } from '../ordered-output.ts';
import { DeliveredNumbers } from './delivered-numbers.ts';
import type { OrderCounts } from './order-counts.ts';
import type { OrderObserver } from './order-observer.ts';
import type { Packet } from './packet.ts';
import type { PayloadSlabs } from './payload-slabs.ts';
import { WaitingRing } from './waiting-ring.ts';

interface ReorderWindowOptions {
  readonly rules: OrderRules;
  readonly output: OrderedOutput;
  readonly slabs: PayloadSlabs;
  readonly counts: OrderCounts;
  readonly observer: OrderObserver;
}

/** What became of a packet. `waiting`: it is stored, and is delivered or dropped later. */
type Verdict = 'delivered' | 'waiting' | 'duplicate' | 'late';

/**
 * The order within one epoch. `next` is delivered as it comes, without a copy; what comes before its turn waits.
 *
 * O1: the numbers given to `output` rise strictly, and each number from the first one on is either delivered or part of one gap.
 * O2: no packet waits longer than `timeoutMs`: each keeps its arrival, so a gap behind a gap has no time of its own.
 * O3: at most `windowPackets` wait. Where there is no room for one more, the gap before the lowest number is given up.
 */
export class ReorderWindow {
  readonly #options: ReorderWindowOptions;
  readonly #delivered = new DeliveredNumbers();
  readonly #ring = new WaitingRing();
  #next = 0;

  constructor(options: ReorderWindowOptions) {
    this.#options = options;
  }

  get next(): number {
    return this.#next;
  }

  /** Packets that wait. */
  get depth(): number {
    return this.#ring.size;
  }

  /** When `expire` has something to do; infinite while nothing waits. */
  get deadline(): number {
    const { oldest } = this.#ring;
    return oldest ? oldest.arrivedAt + this.#options.rules.timeoutMs : Number.POSITIVE_INFINITY;
  }

  /** Nothing may wait. */
  start(first: number): void {
    this.#next = first;
    this.#delivered.start(first);
  }

  /** The number lies behind, and was not one that is known to be missing. */
  isBehind(sequence: number): boolean {
    return sequence < this.#next && !this.#delivered.wasSkipped(sequence);
  }

  /** `sequence` is at most `resetDistance` ahead of `next`. */
  receive(packet: Packet): Verdict {
    const { sequence } = packet;
    if (sequence === this.#next) {
      this.#deliver(packet);
      if (this.#ring.size > 0) this.#drain(packet.arrivedAt);
      return 'delivered';
    }
    if (sequence < this.#next) return this.#delivered.has(sequence) ? 'duplicate' : 'late';
    return this.#ring.has(sequence) ? 'duplicate' : this.#wait(packet);
  }

  /** Gives up the gaps before packets that have waited for the whole time. */
  expire(now: number): void {
    const { timeoutMs } = this.#options.rules;
    for (let { oldest } = this.#ring; oldest && oldest.arrivedAt + timeoutMs <= now; { oldest } = this.#ring)
      this.#skipTo(this.#ring.lowestFrom(this.#next) ?? this.#next, { reason: 'timeout', now });
  }

  /** Delivers all that waits. */
  flush(now: number): void {
    while (this.#ring.size > 0) this.#skipTo(this.#ring.lowestFrom(this.#next) ?? this.#next, { reason: 'timeout', now });
  }

  #wait(packet: Packet): Verdict {
    const { rules, slabs, counts } = this.#options;
    for (;;) {
      const stored = this.#ring.size < rules.windowPackets ? slabs.store(packet) : undefined;
      if (stored) {
        this.#ring.add(stored, this.#next);
        counts.reordered += 1;
        return 'waiting';
      }
      const lowest = this.#ring.lowestFrom(this.#next) ?? Number.POSITIVE_INFINITY;
      this.#skipTo(Math.min(lowest, packet.sequence), { reason: 'window', now: packet.arrivedAt });
      if (packet.sequence === this.#next) return this.receive(packet);
    }
  }

  #skipTo(next: number, { reason, now }: { readonly reason: GapReason; readonly now: number }): void {
    const { output, counts, observer } = this.#options;
    if (next > this.#next) {
      counts.gaps += 1;
      counts.gapPackets += next - this.#next;
      output.gap(this.#next, next - 1, reason);
      observer.gap(this.#next, next - 1, reason);
      this.#delivered.skipTo(next);
      this.#next = next;
    }
    this.#drain(now);
  }

  #drain(now: number): void {
    const { slabs, observer } = this.#options;
    for (let packet = this.#ring.take(this.#next); packet; packet = this.#ring.take(this.#next)) {
      this.#deliver(packet);
      observer.waited(now - packet.arrivedAt);
      slabs.release(packet);
    }
  }

  #deliver(packet: Packet): void {
    this.#options.output.data(packet.sequence, packet.bytes, packet.start, packet.end);
    this.#delivered.deliver();
    this.#next += 1;
  }
}
