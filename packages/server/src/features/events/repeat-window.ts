import { hash } from 'node:crypto';
import { SlotTable } from './repeats/slot-table.ts';

/** Blocks of 128 indexes of one idempotency key are the entries of a window. */
interface BlockName {
  /** 16 bytes of the SHA-256 of the idempotency key. */
  readonly key: Buffer;
  /** Of the indexes `block * 128` to `block * 128 + 127`. */
  readonly block: number;
}

/** An entry as a store keeps it. */
export interface WindowRow extends BlockName {
  /** 128 bits, one for each index that was seen: index i is bit i % 32 of the little-endian word i / 32. */
  readonly mask: Buffer;
  /** When it was seen last, by the largest record time until then. */
  readonly timeMs: number;
  /** Orders the entries by when they were seen last. */
  readonly seq: number;
}

export interface WindowChanges {
  /** To be deleted, before the rows are put. */
  readonly removed: readonly BlockName[];
  /** To be inserted, or put in the place of those with the same key and block. */
  readonly rows: readonly WindowRow[];
}

interface WindowOptions {
  /** Entries; the one that was not seen for longest makes room. A key with up to 128 events is one entry. */
  readonly maxBlocks?: number;
  /** Record time after which an entry that was not seen is forgotten. */
  readonly maxAgeMs?: number;
  /** Keeps what `takeChanges` gives; without it, nothing. */
  readonly tracksChanges?: boolean;
}

const defaultMaxBlocks = 1_000_000;
const defaultMaxAgeMs = 24 * 60 * 60 * 1000;
const blockBits = 7;

/**
 * Finds the records of one partition that repeat an earlier one: those whose (idempotency key, index) occurred before, within a million
 * keys and 24 h of record time. It has to be shown every record that has a key, in the order of the offsets, whatever becomes of it.
 *
 * Repeated or not is a function of the log alone, so readers that share nothing agree. A repeat refreshes its entry. Hence a window that
 * is rebuilt by reading the log back by 24 h answers as one that saw it from its begin, but for clients that repeat one key for over a day.
 */
export class RepeatWindow {
  readonly #slots: SlotTable;
  readonly #maxAgeMs: number;
  /** Undefined where nobody takes the changes. */
  readonly #touched: Set<number> | undefined;
  #removed: BlockName[] = [];
  #timeMs = 0;
  #seq = 0;
  /** Of the record before: batches come in one piece. */
  #lastText: Buffer | undefined;
  #lastKey: Buffer = Buffer.alloc(0);
  #lastBlock = -1;
  #lastSlot = -1;

  constructor({ maxBlocks = defaultMaxBlocks, maxAgeMs = defaultMaxAgeMs, tracksChanges = false }: WindowOptions = {}) {
    this.#slots = new SlotTable(maxBlocks);
    this.#maxAgeMs = maxAgeMs;
    this.#touched = tracksChanges ? new Set() : undefined;
  }

  /** As it was when these rows were all of it; they come in any order. */
  static restore(rows: Iterable<WindowRow>, options?: WindowOptions): RepeatWindow {
    const window = new RepeatWindow(options);
    for (const { key, block, mask, timeMs, seq } of [...rows].sort((one, other) => one.seq - other.seq)) {
      const slot = window.#slots.add(key, block);
      window.#slots.setMask(slot, mask);
      window.#slots.touch(slot, timeMs, seq);
      window.#timeMs = timeMs;
      window.#seq = seq + 1;
    }
    return window;
  }

  /** Entries that it holds. */
  get size(): number {
    return this.#slots.size;
  }

  /** True: the record repeats an earlier one. Either way it counts as seen from now on. `index` is a whole number from 0 to 2^32 - 1. */
  see({ key, index, timestampMs }: SeenRecord): boolean {
    this.#timeMs = Math.max(this.#timeMs, timestampMs);
    this.#forgetOld();
    const block = index >>> blockBits;
    const isSameKey = this.#lastText !== undefined && key.equals(this.#lastText);
    if (!isSameKey) {
      this.#lastText = key;
      this.#lastKey = hash('sha256', key, 'buffer').subarray(0, 16);
    }
    if (!isSameKey || block !== this.#lastBlock || this.#lastSlot === -1) {
      this.#lastBlock = block;
      this.#lastSlot = this.#slots.find(this.#lastKey, block);
      if (this.#lastSlot === -1) {
        if (this.#slots.isFull) this.#forget(this.#slots.oldest);
        this.#lastSlot = this.#slots.add(this.#lastKey, block);
      }
    }
    this.#slots.touch(this.#lastSlot, this.#timeMs, this.#seq);
    this.#touched?.add(this.#lastSlot);
    this.#seq += 1;
    return this.#slots.testAndSet(this.#lastSlot, index & 127);
  }

  /** All entries, those that were seen longest ago first. */
  *rows(): Generator<WindowRow> {
    for (let slot = this.#slots.oldest; slot !== -1; slot = this.#slots.newerThan(slot)) yield this.#slots.row(slot);
  }

  /** What has changed since the last call, for a store that keeps the rows. */
  takeChanges(): WindowChanges {
    const rows = Array.from(this.#touched ?? [], (slot) => this.#slots.row(slot));
    const removed = this.#removed;
    this.#touched?.clear();
    this.#removed = [];
    return { removed, rows };
  }

  #forgetOld(): void {
    for (;;) {
      const { oldest } = this.#slots;
      if (oldest === -1 || this.#timeMs - this.#slots.timeOf(oldest) <= this.#maxAgeMs) return;
      this.#forget(oldest);
    }
  }

  #forget(slot: number): void {
    if (slot === this.#lastSlot) this.#lastSlot = -1;
    if (this.#touched) {
      const { key, block } = this.#slots.row(slot);
      this.#removed.push({ key, block });
      this.#touched.delete(slot);
    }
    this.#slots.remove(slot);
  }
}

interface SeenRecord {
  /** The idempotency key; it is kept until the next call. */
  readonly key: Buffer;
  readonly index: number;
  readonly timestampMs: number;
}
