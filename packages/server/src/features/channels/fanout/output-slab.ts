import { EntryIndex, type NewEntry } from './entry-index.ts';
import { slabBytes } from './slab-budget.ts';

/** Where a slab begins, counted from the begin of its channel. */
export interface SlabBegin {
  readonly entry: number;
  readonly byte: number;
  readonly packet: number;
}

/** How many slabs of the budget a payload needs when it has a slab of its own. */
export const unitsOf = (payloadBytes: number): number => Math.max(1, Math.ceil(payloadBytes / slabBytes));

/**
 * Payloads one behind the other, and the index to them. No payload lies in two slabs: one that is longer than a slab
 * gets an own one of several units of the budget.
 */
export class OutputSlab {
  readonly begin: SlabBegin;
  /** Slabs of the budget that it stands for. */
  readonly units: number;
  readonly index = new EntryIndex();
  readonly bytes: Buffer;
  /** Gives its units back; called once, when it is dropped and no write needs it any more. */
  readonly #release: (units: number) => void;
  #used = 0;
  #writes = 0;
  #state: 'kept' | 'dropped' = 'kept';

  constructor({ begin, units, release }: { readonly begin: SlabBegin; readonly units: number; readonly release: (units: number) => void }) {
    this.begin = begin;
    this.units = units;
    this.#release = release;
    this.bytes = Buffer.allocUnsafeSlow(units * slabBytes);
  }

  get used(): number {
    return this.#used;
  }

  get endEntry(): number {
    return this.begin.entry + this.index.count;
  }

  get endByte(): number {
    return this.begin.byte + this.#used;
  }

  get endPacket(): number {
    return this.begin.packet + this.index.packetCount;
  }

  /** A write under way needs its bytes. */
  get isInUse(): boolean {
    return this.#writes > 0;
  }

  hasRoomFor(payloadBytes: number): boolean {
    return !this.index.isFull && payloadBytes <= this.bytes.length - this.#used;
  }

  addPacket(entry: NewEntry, payload: Uint8Array): void {
    this.index.add(entry, this.#used);
    this.bytes.set(payload, this.#used);
    this.#used += payload.length;
  }

  addMark(entry: NewEntry): void {
    this.index.add(entry, this.#used);
  }

  /** Where the payload of the entry ends in the slab. */
  endOf(at: number): number {
    return at + 1 < this.index.count ? this.index.start(at + 1) : this.#used;
  }

  hold(): void {
    this.#writes += 1;
  }

  letGo(): void {
    this.#writes -= 1;
    if (this.#writes === 0 && this.#state === 'dropped') this.#release(this.units);
  }

  /** The ring has done with it. Counts until the last write has done with it, too. */
  drop(): void {
    this.#state = 'dropped';
    if (this.#writes === 0) this.#release(this.units);
  }
}
