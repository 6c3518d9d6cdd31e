import type { SlabBudget } from '../slab-budget.ts';
import type { Packet } from './packet.ts';

interface Slab {
  readonly bytes: Uint8Array;
  used: number;
  /** Packets in it that are not released. */
  packets: number;
}

/** A packet whose payload lies in a slab of its channel. */
export class StoredPacket implements Packet {
  readonly sequence: number;
  readonly arrivedAt: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly slab: Slab | undefined;
  /** Neighbours in the order of arrival, while it waits. */
  older: StoredPacket | undefined;
  newer: StoredPacket | undefined;

  constructor({ sequence, arrivedAt }: Packet, slab: Slab | undefined, length: number) {
    this.sequence = sequence;
    this.arrivedAt = arrivedAt;
    this.slab = slab;
    this.bytes = slab?.bytes ?? noBytes;
    this.start = slab?.used ?? 0;
    this.end = this.start + length;
  }
}

interface PayloadSlabsOptions {
  readonly budget: SlabBudget;
  readonly maxBytes: number;
}

const noBytes = new Uint8Array(0);

/** Payloads of one channel that wait, each copied once. A slab goes back when the last packet in it is released. */
export class PayloadSlabs {
  readonly #budget: SlabBudget;
  readonly #maxSlabs: number;
  #current: Slab | undefined;
  #slabs = 0;

  constructor({ budget, maxBytes }: PayloadSlabsOptions) {
    this.#budget = budget;
    this.#maxSlabs = Math.max(1, Math.floor(maxBytes / budget.slabBytes));
  }

  get slabs(): number {
    return this.#slabs;
  }

  get isHalfFull(): boolean {
    return this.#slabs * 2 > this.#maxSlabs;
  }

  /** A packet that is stored already stays as it is. Undefined: there is no room. */
  store(packet: Packet): StoredPacket | undefined {
    if (packet instanceof StoredPacket) return packet;
    const length = packet.end - packet.start;
    if (length === 0) return new StoredPacket(packet, undefined, 0);
    const slab = this.#slabFor(length);
    if (!slab) return undefined;
    const stored = new StoredPacket(packet, slab, length);
    slab.bytes.set(packet.bytes.subarray(packet.start, packet.end), slab.used);
    slab.used += length;
    slab.packets += 1;
    return stored;
  }

  release({ slab }: StoredPacket): void {
    if (!slab) return;
    slab.packets -= 1;
    if (slab.packets > 0) return;
    if (slab === this.#current) this.#current = undefined;
    this.#slabs -= slab.bytes.length / this.#budget.slabBytes;
    this.#budget.release('order', slab.bytes);
  }

  #slabFor(length: number): Slab | undefined {
    if (this.#current && this.#current.used + length <= this.#current.bytes.length) return this.#current;
    const slabs = Math.ceil(length / this.#budget.slabBytes);
    if (this.#slabs + slabs > this.#maxSlabs) return undefined;
    const bytes = this.#budget.acquire('order', length);
    if (!bytes) return undefined;
    this.#slabs += slabs;
    this.#current = { bytes, used: 0, packets: 0 };
    return this.#current;
  }
}
