/** What an entry of an output is. */
export const entryKind = { data: 1, gap: 2, epoch: 3 } as const;
type EntryKind = (typeof entryKind)[keyof typeof entryKind];

/** An index begins with room for so many entries, and is doubled up to `maxEntries`: 42 bytes for each. */
const firstEntries = 256;
const maxEntries = 4096;

export interface NewEntry {
  readonly kind: EntryKind;
  readonly epoch: number;
  /** Of a gap its first number, of an epoch the number that it begins with. */
  readonly sequence: number;
  /** Of a gap its last number, of an epoch the number before its first; else the same as `sequence`. */
  readonly last: number;
  /** Why there is a gap, as on the wire; else 0. */
  readonly reason: number;
  /** Monotonic milliseconds. */
  readonly arrival: number;
}

/** The entries of one slab, in typed arrays: an entry is no object, so that a full ring is no work for the garbage collector. */
export class EntryIndex {
  #kinds = new Uint8Array(firstEntries);
  #reasons = new Uint8Array(firstEntries);
  #epochs = new Float64Array(firstEntries);
  #sequences = new Float64Array(firstEntries);
  #lasts = new Float64Array(firstEntries);
  #arrivals = new Float64Array(firstEntries);
  #starts = new Uint32Array(firstEntries);
  /** Packets before the entry. */
  #packets = new Uint32Array(firstEntries);
  #count = 0;
  #packetCount = 0;

  get count(): number {
    return this.#count;
  }

  get packetCount(): number {
    return this.#packetCount;
  }

  get isFull(): boolean {
    return this.#count === maxEntries;
  }

  /** `start`: where its payload begins in the slab. */
  add(entry: NewEntry, start: number): void {
    const at = this.#count;
    if (at === this.#kinds.length) this.#grow(at * 2);
    this.#kinds[at] = entry.kind;
    this.#reasons[at] = entry.reason;
    this.#epochs[at] = entry.epoch;
    this.#sequences[at] = entry.sequence;
    this.#lasts[at] = entry.last;
    this.#arrivals[at] = entry.arrival;
    this.#starts[at] = start;
    this.#packets[at] = this.#packetCount;
    this.#count = at + 1;
    if (entry.kind === entryKind.data) this.#packetCount += 1;
  }

  /** 0 where there is no such entry. */
  kind(at: number): number {
    return this.#kinds[at] ?? 0;
  }

  reason(at: number): number {
    return this.#reasons[at] ?? 0;
  }

  epoch(at: number): number {
    return this.#epochs[at] ?? 0;
  }

  sequence(at: number): number {
    return this.#sequences[at] ?? 0;
  }

  last(at: number): number {
    return this.#lasts[at] ?? 0;
  }

  arrival(at: number): number {
    return this.#arrivals[at] ?? 0;
  }

  /** Bytes of payload before the entry. */
  start(at: number): number {
    return this.#starts[at] ?? 0;
  }

  /** Packets before the entry; of the end all of them. */
  packetsBefore(at: number): number {
    return at >= this.#count ? this.#packetCount : (this.#packets[at] ?? 0);
  }

  /** The first entry for which `isAt` holds, where it holds for all behind it too; the count where it holds for none. */
  search(isAt: (at: number) => boolean): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isAt(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #grow(length: number): void {
    this.#kinds = resized(new Uint8Array(length), this.#kinds);
    this.#reasons = resized(new Uint8Array(length), this.#reasons);
    this.#epochs = resized(new Float64Array(length), this.#epochs);
    this.#sequences = resized(new Float64Array(length), this.#sequences);
    this.#lasts = resized(new Float64Array(length), this.#lasts);
    this.#arrivals = resized(new Float64Array(length), this.#arrivals);
    this.#starts = resized(new Uint32Array(length), this.#starts);
    this.#packets = resized(new Uint32Array(length), this.#packets);
  }
}

function resized<Column extends Uint8Array | Uint32Array | Float64Array>(larger: Column, column: Column): Column {
  larger.set(column);
  return larger;
}
