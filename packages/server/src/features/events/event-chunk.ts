/** Values of records, one behind the other: no object for each of them, so that 500,000 waiting ones cost little more than their text. */
export interface EventChunk {
  readonly bytes: Buffer;
  /** Where each value ends in the bytes. */
  readonly ends: Uint32Array;
  /** Of each value, the place of its event in the request. */
  readonly indexes: Uint32Array;
}

/** Most values of a chunk. */
export const maxChunkEvents = 10_000;

const firstBytes = 8 * 1024;
const firstEvents = 128;
/** UTF-8 of one UTF-16 unit. */
const maxBytesOfUnit = 3;

export class ChunkBuilder {
  #bytes: Buffer = Buffer.allocUnsafeSlow(firstBytes);
  #ends = new Uint32Array(firstEvents);
  #indexes = new Uint32Array(firstEvents);
  #length = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Memory that it holds. */
  get heldBytes(): number {
    return this.#bytes.length + 2 * this.#ends.byteLength;
  }

  addText(text: string, index: number): void {
    this.#makeRoom(text.length * maxBytesOfUnit);
    this.#length += this.#bytes.write(text, this.#length);
    this.#end(index);
  }

  addBytes(value: Uint8Array, index: number): void {
    this.#makeRoom(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    this.#end(index);
  }

  build(): EventChunk {
    const count = this.#count;
    return { bytes: this.#bytes.subarray(0, this.#length), ends: this.#ends.subarray(0, count), indexes: this.#indexes.subarray(0, count) };
  }

  #end(index: number): void {
    if (this.#count === this.#ends.length) {
      this.#ends = grown(this.#ends);
      this.#indexes = grown(this.#indexes);
    }
    this.#ends[this.#count] = this.#length;
    this.#indexes[this.#count] = index;
    this.#count += 1;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function grown(numbers: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}

/** The values, as views of the chunk's bytes. */
export function chunkValues({ bytes, ends }: EventChunk): Buffer[] {
  const values: Buffer[] = new Array(ends.length);
  let start = 0;
  for (let at = 0; at < ends.length; at += 1) {
    const end = ends[at] ?? start;
    values[at] = bytes.subarray(start, end);
    start = end;
  }
  return values;
}
