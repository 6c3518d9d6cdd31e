import { OutputSlab, type SlabBegin, unitsOf } from './output-slab.ts';

/** Where slabs come from; makes room by what is least needed of all channels. */
export interface SlabRoom {
  /** False: not even now. Nothing is taken then. */
  acquire(units: number): boolean;
  release(units: number): void;
}

/** A position in a channel: an entry, and what lies before it. */
export interface Place extends SlabBegin {
  readonly epoch: number;
  /** The first number from there on. */
  readonly next: number;
}

/**
 * The newest entries of a channel in their slabs. An entry is known by its number from the begin of the channel, so that
 * whoever stands somewhere holds a number and no memory.
 */
export class OutputRing {
  readonly #room: SlabRoom;
  readonly #slabs: OutputSlab[] = [];
  #end: SlabBegin = { entry: 0, byte: 0, packet: 0 };

  constructor(room: SlabRoom) {
    this.#room = room;
  }

  get oldestEntry(): number {
    return this.#slabs[0]?.begin.entry ?? this.#end.entry;
  }

  get endEntry(): number {
    return this.#slabs.at(-1)?.endEntry ?? this.#end.entry;
  }

  get endByte(): number {
    return this.#slabs.at(-1)?.endByte ?? this.#end.byte;
  }

  get endPacket(): number {
    return this.#slabs.at(-1)?.endPacket ?? this.#end.packet;
  }

  /** In slabs of the budget. */
  get units(): number {
    return this.#slabs.reduce((sum, { units }) => sum + units, 0);
  }

  get oldestSlab(): OutputSlab | undefined {
    return this.#slabs[0];
  }

  /** The slab for one more entry; undefined where there is no memory. */
  slabFor(payloadBytes: number): OutputSlab | undefined {
    const last = this.#slabs.at(-1);
    if (last?.hasRoomFor(payloadBytes)) return last;
    const units = unitsOf(payloadBytes);
    if (!this.#room.acquire(units)) return undefined;
    // Making room may have dropped every slab of this ring, too.
    const begin = { entry: this.endEntry, byte: this.endByte, packet: this.endPacket };
    const slab = new OutputSlab({ begin, units, release: (count) => this.#room.release(count) });
    this.#slabs.push(slab);
    return slab;
  }

  /** Gives up the oldest slab. */
  dropOldest(): void {
    const slab = this.#slabs.shift();
    if (slab === undefined) return;
    if (this.#slabs.length === 0) this.#end = { entry: slab.endEntry, byte: slab.endByte, packet: slab.endPacket };
    slab.drop();
  }

  /** Of an entry that is in the ring. */
  slabOf(entry: number): OutputSlab | undefined {
    const last = this.#slabs.at(-1);
    if (last !== undefined && entry >= last.begin.entry) return entry < last.endEntry ? last : undefined;
    return entry < this.oldestEntry ? undefined : this.#firstSlab((slab) => entry < slab.endEntry);
  }

  /** Undefined for the end, and for what is no longer in the ring. */
  placeOf(entry: number): Place | undefined {
    const slab = this.slabOf(entry);
    if (slab === undefined) return undefined;
    const { index, begin } = slab;
    const at = entry - begin.entry;
    return {
      entry,
      byte: begin.byte + index.start(at),
      packet: begin.packet + index.packetsBefore(at),
      epoch: index.epoch(at),
      next: index.sequence(at),
    };
  }

  /** The first entry that has at most so many bytes of payload from it to the end. */
  entryWithin(maxBytes: number): number {
    const fromByte = this.endByte - maxBytes;
    return this.#search((slab, at) => slab.begin.byte + slab.index.start(at) >= fromByte);
  }

  /** The first entry that arrived at the time or later. */
  entrySince(arrival: number): number {
    return this.#search((slab, at) => slab.index.arrival(at) >= arrival);
  }

  /** The first entry of the epoch, or of a later one, with the number or a later one. */
  entryAt(epoch: number, sequence: number): number {
    return this.#search(({ index }, at) => {
      const entryEpoch = index.epoch(at);
      return entryEpoch > epoch || (entryEpoch === epoch && index.last(at) >= sequence);
    });
  }

  /** `isAt` holds from some entry on; the end where it holds for none. */
  #search(isAt: (slab: OutputSlab, at: number) => boolean): number {
    const slab = this.#firstSlab((one) => one.index.count > 0 && isAt(one, one.index.count - 1));
    return slab === undefined ? this.endEntry : slab.begin.entry + slab.index.search((at) => isAt(slab, at));
  }

  #firstSlab(isAt: (slab: OutputSlab) => boolean): OutputSlab | undefined {
    let low = 0;
    let high = this.#slabs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const slab = this.#slabs[middle];
      if (slab !== undefined && isAt(slab)) high = middle;
      else low = middle + 1;
    }
    return this.#slabs[low];
  }
}
