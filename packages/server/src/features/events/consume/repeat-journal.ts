import type { SeriesBatch } from '../../../engines/series/series-store.ts';
import type { RepeatWindow, WindowRow } from '../repeat-window.ts';

/** What a batch changes in the repeats that a store keeps. */
type RepeatsChange = NonNullable<SeriesBatch['repeats']>;

/** key 16, block u32, mask 16, time f64, seq f64; little-endian. */
const rowBytes = 52;

/** Entries that a batch may change: what fits into a chunk of the store, by far. */
export const maxChangesPerBatch = 50_000;

/**
 * Keeps the window of one partition in a transactional store: each batch brings a chunk with the entries that it saw, and the chunks from
 * the one on that has the oldest present entry are the window.
 */
export class RepeatJournal {
  /** That the store still has, oldest first. */
  readonly #chunks: { readonly to: number; readonly lastSeq: number }[] = [];
  #forgotten = 0;

  /** What the batch that ends at `to` brings. */
  change(window: RepeatWindow, to: number): RepeatsChange {
    const rows = window.takeChanges();
    const { oldestSeq = Number.POSITIVE_INFINITY } = window;
    for (let first = this.#chunks[0]; first && first.lastSeq < oldestSeq; first = this.#chunks[0]) {
      this.#forgotten = first.to;
      this.#chunks.shift();
    }
    const last = rows.at(-1);
    if (last) this.#chunks.push({ to, lastSeq: last.seq });
    return { chunk: encodeRows(rows), forgetThrough: this.#forgotten };
  }

  /** Chunks come in the order of their batches. A RangeError where the bytes are no chunk. */
  restore(window: RepeatWindow, { to, bytes }: { readonly to: number; readonly bytes: Uint8Array }): void {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let lastSeq = -1;
    for (let at = 0; at < buffer.length; at += rowBytes) {
      const row = decodeRow(buffer, at);
      window.restore(row);
      lastSeq = row.seq;
    }
    if (lastSeq !== -1) this.#chunks.push({ to, lastSeq });
  }
}

function encodeRows(rows: readonly WindowRow[]): Buffer {
  const bytes = Buffer.alloc(rows.length * rowBytes);
  for (const [index, { key, block, mask, timeMs, seq }] of rows.entries()) {
    const at = index * rowBytes;
    key.copy(bytes, at);
    bytes.writeUInt32LE(block, at + 16);
    mask.copy(bytes, at + 20);
    bytes.writeDoubleLE(timeMs, at + 36);
    bytes.writeDoubleLE(seq, at + 44);
  }
  return bytes;
}

function decodeRow(bytes: Buffer, at: number): WindowRow {
  return {
    key: bytes.subarray(at, at + 16),
    block: bytes.readUInt32LE(at + 16),
    mask: bytes.subarray(at + 20, at + 36),
    timeMs: bytes.readDoubleLE(at + 36),
    seq: bytes.readDoubleLE(at + 44),
  };
}
