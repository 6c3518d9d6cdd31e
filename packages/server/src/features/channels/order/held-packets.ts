import type { StoredPacket } from './payload-slabs.ts';

/** Packets of which it is not known yet what they are; in the order of arrival. */
export class HeldPackets {
  #packets: StoredPacket[] = [];

  get size(): number {
    return this.#packets.length;
  }

  get oldest(): StoredPacket | undefined {
    return this.#packets[0];
  }

  add(packet: StoredPacket): void {
    this.#packets.push(packet);
  }

  has(sequence: number): boolean {
    return this.#packets.some((packet) => packet.sequence === sequence);
  }

  takeOldest(): StoredPacket | undefined {
    return this.#packets.shift();
  }

  /** All of them, lowest number first; of equal numbers the first one to come is in front. */
  takeSorted(): StoredPacket[] {
    const packets = this.#packets;
    this.#packets = [];
    return packets.sort((one, other) => one.sequence - other.sequence);
  }
}

/**
 * The first number of the largest group, where numbers more than `distance` apart are in different groups: a single number that makes no
 * sense must not set the count. Of groups of one size it is the lower one. At least one packet, sorted.
 */
export function firstOfLargestGroup(sorted: readonly StoredPacket[], distance: number): number {
  let best = { first: 0, size: 0 };
  let group = { first: 0, size: 0 };
  let before = Number.NEGATIVE_INFINITY;
  for (const { sequence } of sorted) {
    if (sequence === before) continue;
    group = sequence - before > distance ? { first: sequence, size: 1 } : { first: group.first, size: group.size + 1 };
    if (group.size > best.size) best = group;
    before = sequence;
  }
  return best.first;
}
