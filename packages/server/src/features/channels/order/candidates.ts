import { candidateAgeMs, candidatesForEpoch, type OrderRules } from '../order-rules.ts';
import { HeldPackets } from './held-packets.ts';
import type { OrderCounts } from './order-counts.ts';
import type { Packet } from './packet.ts';
import type { PayloadSlabs, StoredPacket } from './payload-slabs.ts';

interface CandidatesOptions {
  readonly rules: OrderRules;
  readonly slabs: PayloadSlabs;
  readonly counts: OrderCounts;
}

/**
 * Packets whose numbers cannot belong to the count: they become the next epoch, or are dropped and counted as late. As many as may wait,
 * in at most half of the memory of the channel; beyond that the oldest are dropped.
 */
export class Candidates {
  readonly #options: CandidatesOptions;
  readonly #packets = new HeldPackets();
  /** When the first of them came, also where it was dropped because there was no room. */
  #since = 0;
  /** How many came since then: where there is room for few, the others are dropped, and still they say that a count has begun. */
  #came = 0;

  constructor(options: CandidatesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#packets.size;
  }

  /**
   * When they become an epoch if no number of the count comes, or are stale; infinite where there is none. As at a start, they are held for
   * the timeout or until there is no room, so that the lowest number is among them.
   */
  deadline(inWindowAt: number): number {
    const { timeoutMs, windowPackets } = this.#options.rules;
    if (this.isEnough) return (this.#packets.size >= windowPackets ? inWindowAt : Math.max(inWindowAt, this.#since)) + timeoutMs;
    return this.#packets.oldest ? this.#packets.oldest.arrivedAt + candidateAgeMs : Number.POSITIVE_INFINITY;
  }

  get isEnough(): boolean {
    return this.#packets.size > 0 && this.#came >= candidatesForEpoch;
  }

  /** False: it is dropped. */
  add(packet: Packet): boolean {
    const { rules, slabs, counts } = this.#options;
    // A number that comes again and again is no count.
    if (this.#packets.size < candidatesForEpoch && this.#packets.has(packet.sequence)) {
      counts.duplicates += 1;
      return false;
    }
    if (this.#packets.size === 0) {
      this.#since = packet.arrivedAt;
      this.#came = 0;
    }
    this.#came += 1;
    while (this.#packets.size > 0 && (this.#packets.size >= rules.windowPackets || slabs.isHalfFull)) this.#dropOldest();
    const stored = slabs.store(packet);
    if (stored) this.#packets.add(stored);
    else counts.late += 1;
    return stored !== undefined;
  }

  /** A number of the count came: what has waited for the timeout is given up. True if none is left. */
  dropOlderThanTimeout(now: number): boolean {
    return this.#dropOlderThan(now, this.#options.rules.timeoutMs);
  }

  /** Too few to become an epoch, for too long. True if none is left. */
  dropStale(now: number): boolean {
    return this.#dropOlderThan(now, candidateAgeMs);
  }

  dropAll(): void {
    while (this.#packets.size > 0) this.#dropOldest();
  }

  takeSorted(): StoredPacket[] {
    return this.#packets.takeSorted();
  }

  #dropOlderThan(now: number, ageMs: number): boolean {
    for (let { oldest } = this.#packets; oldest && oldest.arrivedAt + ageMs <= now; { oldest } = this.#packets) this.#dropOldest();
    if (this.#packets.oldest && this.#packets.oldest.arrivedAt > this.#since) {
      this.#since = this.#packets.oldest.arrivedAt;
      this.#came = this.#packets.size;
    }
    return this.#packets.size === 0;
  }

  #dropOldest(): void {
    const packet = this.#packets.takeOldest();
    if (!packet) return;
    this.#options.slabs.release(packet);
    this.#options.counts.late += 1;
  }
}
