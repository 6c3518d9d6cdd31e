import type { StoredPacket } from './payload-slabs.ts';

const leastCapacity = 16;
/** Larger rings are given up when nothing waits in them. */
const keptCapacity = 1024;

/**
 * Packets that wait for earlier numbers: found by number in a ring that is as long as they lie apart, and listed by arrival.
 * All numbers in it are at least `next`, and the ring is longer than the way from there to the highest.
 */
export class WaitingRing {
  #ring = emptyRing(leastCapacity);
  #size = 0;
  #oldest: StoredPacket | undefined;
  #newest: StoredPacket | undefined;

  get size(): number {
    return this.#size;
  }

  get oldest(): StoredPacket | undefined {
    return this.#oldest;
  }

  has(sequence: number): boolean {
    return this.#ring[sequence & (this.#ring.length - 1)]?.sequence === sequence;
  }

  /** `sequence` is not in it. */
  add(packet: StoredPacket, next: number): void {
    if (packet.sequence - next >= this.#ring.length) this.#growTo(packet.sequence - next + 1);
    this.#ring[packet.sequence & (this.#ring.length - 1)] = packet;
    this.#size += 1;
    let older = this.#newest;
    while (older && older.arrivedAt > packet.arrivedAt) older = older.older;
    const newer = older ? older.newer : this.#oldest;
    packet.older = older;
    packet.newer = newer;
    if (older) older.newer = packet;
    else this.#oldest = packet;
    if (newer) newer.older = packet;
    else this.#newest = packet;
  }

  /** Removes it, if it waits. */
  take(sequence: number): StoredPacket | undefined {
    const at = sequence & (this.#ring.length - 1);
    const packet = this.#ring[at];
    if (packet?.sequence !== sequence) return undefined;
    this.#ring[at] = undefined;
    this.#size -= 1;
    const { older, newer } = packet;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    if (this.#size === 0 && this.#ring.length > keptCapacity) this.#ring = emptyRing(leastCapacity);
    return packet;
  }

  /** The lowest number in it. Looks at each number from `next` on, and the caller passes over all of these. */
  lowestFrom(next: number): number | undefined {
    if (this.#size === 0) return undefined;
    let number = next;
    while (!this.has(number)) number += 1;
    return number;
  }

  #growTo(length: number): void {
    const packets = this.#ring;
    this.#ring = emptyRing(2 ** Math.ceil(Math.log2(length)));
    for (const packet of packets) if (packet) this.#ring[packet.sequence & (this.#ring.length - 1)] = packet;
  }
}

const emptyRing = (capacity: number): (StoredPacket | undefined)[] => new Array<StoredPacket | undefined>(capacity).fill(undefined);
