import { AppError } from '../../../kernel/errors/app-error.ts';

/** Words of a key and of a mask. */
const words = 4;
const firstSlots = 256;
const none = -1;

/**
 * The entries of a repeat window in typed arrays, 60 bytes and two places of a hash table each: a million of them take 68 MB, and no
 * object of the heap. A hash table by open addressing finds them, a list through them orders them by when they were seen last.
 */
export class SlotTable {
  readonly #maxSlots: number;
  #keys = new Uint32Array(firstSlots * words);
  #masks = new Uint32Array(firstSlots * words);
  #blocks = new Uint32Array(firstSlots);
  #times = new Float64Array(firstSlots);
  #seqs = new Float64Array(firstSlots);
  /** Neighbours in the list; of a free slot, `#newer` is the next free one. */
  #older = new Int32Array(firstSlots);
  #newer = new Int32Array(firstSlots);
  #table = new Int32Array(firstSlots * 2).fill(none);
  #oldest = none;
  #newest = none;
  #free = none;
  /** Slots that were ever used. */
  #used = 0;
  #size = 0;

  constructor(maxSlots: number) {
    this.#maxSlots = maxSlots;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size === this.#maxSlots;
  }

  /** -1 where there is none. */
  get oldest(): number {
    return this.#oldest;
  }

  newerThan(slot: number): number {
    return this.#newer[slot] ?? none;
  }

  timeOf(slot: number): number {
    return this.#times[slot] ?? 0;
  }

  /** -1 where it is not there. */
  find(key: Buffer, block: number): number {
    const place = this.#placeOf(key, block);
    return this.#table[place] ?? none;
  }

  /** An entry that is not there yet, with nothing seen, as the newest. */
  add(key: Buffer, block: number): number {
    if (this.isFull) throw new AppError('invariantBroken', 'A full table of repeats got one more entry.');
    const slot = this.#takeFree();
    for (let word = 0; word < words; word += 1) {
      this.#keys[slot * words + word] = key.readUInt32LE(word * 4);
      this.#masks[slot * words + word] = 0;
    }
    this.#blocks[slot] = block;
    this.#table[this.#placeOf(key, block)] = slot;
    this.#size += 1;
    this.#append(slot);
    return slot;
  }

  remove(slot: number): void {
    this.#unlink(slot);
    this.#empty(this.#placeOfSlot(slot));
    this.#newer[slot] = this.#free;
    this.#free = slot;
    this.#size -= 1;
  }

  /** Makes it the newest. */
  touch(slot: number, timeMs: number, seq: number): void {
    this.#times[slot] = timeMs;
    this.#seqs[slot] = seq;
    if (slot === this.#newest) return;
    this.#unlink(slot);
    this.#append(slot);
  }

  /** The bit as it was; it is set from now on. */
  testAndSet(slot: number, bit: number): boolean {
    const at = slot * words + (bit >>> 5);
    const before = this.#masks[at] ?? 0;
    const flag = 1 << (bit & 31);
    this.#masks[at] = before | flag;
    return (before & flag) !== 0;
  }

  setMask(slot: number, mask: Buffer): void {
    for (let word = 0; word < words; word += 1) this.#masks[slot * words + word] = mask.readUInt32LE(word * 4);
  }

  row(slot: number): { key: Buffer; block: number; mask: Buffer; timeMs: number; seq: number } {
    return {
      key: this.#bytesOf(this.#keys, slot),
      block: this.#blocks[slot] ?? 0,
      mask: this.#bytesOf(this.#masks, slot),
      timeMs: this.timeOf(slot),
      seq: this.#seqs[slot] ?? 0,
    };
  }

  #bytesOf(numbers: Uint32Array, slot: number): Buffer {
    const bytes = Buffer.alloc(words * 4);
    for (let word = 0; word < words; word += 1) bytes.writeUInt32LE(numbers[slot * words + word] ?? 0, word * 4);
    return bytes;
  }

  #takeFree(): number {
    if (this.#free !== none) {
      const slot = this.#free;
      this.#free = this.#newer[slot] ?? none;
      return slot;
    }
    if (this.#used === this.#blocks.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  #grow(): void {
    const slots = Math.min(this.#blocks.length * 2, Math.max(this.#maxSlots, this.#blocks.length + 1));
    const into = <Numbers extends { set(numbers: Numbers): void }>(larger: Numbers, numbers: Numbers): Numbers => {
      larger.set(numbers);
      return larger;
    };
    this.#keys = into(new Uint32Array(slots * words), this.#keys);
    this.#masks = into(new Uint32Array(slots * words), this.#masks);
    this.#blocks = into(new Uint32Array(slots), this.#blocks);
    this.#times = into(new Float64Array(slots), this.#times);
    this.#seqs = into(new Float64Array(slots), this.#seqs);
    this.#older = into(new Int32Array(slots), this.#older);
    this.#newer = into(new Int32Array(slots), this.#newer);
    this.#table = new Int32Array(slots * 2).fill(none);
    for (let slot = this.#oldest; slot !== none; slot = this.newerThan(slot)) this.#table[this.#freePlaceFor(slot)] = slot;
  }

  #unlink(slot: number): void {
    const older = this.#older[slot] ?? none;
    const newer = this.#newer[slot] ?? none;
    if (older === none) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === none) this.#newest = older;
    else this.#older[newer] = older;
  }

  #append(slot: number): void {
    this.#older[slot] = this.#newest;
    this.#newer[slot] = none;
    if (this.#newest === none) this.#oldest = slot;
    else this.#newer[this.#newest] = slot;
    this.#newest = slot;
  }

  /** Where the entry is in the table, or the empty place where it belongs. */
  #placeOf(key: Buffer, block: number): number {
    let place = this.#home(key.readUInt32LE(0), block);
    for (;;) {
      const slot = this.#table[place] ?? none;
      if (slot === none || (this.#blocks[slot] === block && this.#hasKey(slot, key))) return place;
      place = this.#nextPlace(place);
    }
  }

  #hasKey(slot: number, key: Buffer): boolean {
    for (let word = 0; word < words; word += 1) if (this.#keys[slot * words + word] !== key.readUInt32LE(word * 4)) return false;
    return true;
  }

  #placeOfSlot(slot: number): number {
    let place = this.#homeOf(slot);
    while (this.#table[place] !== slot) place = this.#nextPlace(place);
    return place;
  }

  #freePlaceFor(slot: number): number {
    let place = this.#homeOf(slot);
    while (this.#table[place] !== none) place = this.#nextPlace(place);
    return place;
  }

  /** Without marks for deleted entries: those behind it that would not be found any more move up. */
  #empty(from: number): void {
    let hole = from;
    this.#table[hole] = none;
    for (let place = this.#nextPlace(hole); ; place = this.#nextPlace(place)) {
      const slot = this.#table[place] ?? none;
      if (slot === none) return;
      const home = this.#homeOf(slot);
      const isBetween = hole < place ? hole < home && home <= place : hole < home || home <= place;
      if (isBetween) continue;
      this.#table[hole] = slot;
      this.#table[place] = none;
      hole = place;
    }
  }

  #homeOf(slot: number): number {
    return this.#home(this.#keys[slot * words] ?? 0, this.#blocks[slot] ?? 0);
  }

  #home(keyWord: number, block: number): number {
    return ((keyWord ^ Math.imul(block, 0x9e3779b1)) >>> 0) % this.#table.length;
  }

  #nextPlace(place: number): number {
    return place + 1 === this.#table.length ? 0 : place + 1;
  }
}
