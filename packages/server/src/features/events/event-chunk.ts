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
/** Text that is not among the bytes yet. */
const maxTextUnits = 4096;

export class ChunkBuilder {
  #bytes: Buffer = Buffer.allocUnsafeSlow(firstBytes);
  #ends = new Uint32Array(firstEvents);
  #indexes = new Uint32Array(firstEvents);
  #length = 0;
  #count = 0;
  /** The last values, not among the bytes yet: one write for many of them costs a fifth. Their ends are as if it were ASCII. */
  #text = '';
  /** Of the text. */
  #firstInText = 0;

  get count(): number {
    return this.#count;
  }

  /** Memory that it holds. */
  get heldBytes(): number {
    return this.#bytes.length + 2 * this.#ends.byteLength + this.#text.length;
  }

  /** Of well-formed text. */
  addText(text: string, index: number): void {
    if (this.#text === '') this.#firstInText = this.#count;
    this.#text += text;
    this.#end(this.#length + this.#text.length, index);
    if (this.#text.length >= maxTextUnits) this.#writeText();
  }

  addBytes(value: Uint8Array, index: number): void {
    this.#writeText();
    this.#makeRoom(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    this.#end(this.#length, index);
  }

  build(): EventChunk {
    this.#writeText();
    const count = this.#count;
    return { bytes: this.#bytes.subarray(0, this.#length), ends: this.#ends.subarray(0, count), indexes: this.#indexes.subarray(0, count) };
  }

  #writeText(): void {
    const text = this.#text;
    if (text === '') return;
    this.#text = '';
    const bytes = Buffer.byteLength(text);
    this.#makeRoom(bytes);
    if (bytes !== text.length) this.#moveEnds(text);
    this.#bytes.write(text, this.#length);
    this.#length += bytes;
  }

  /** Of a text that is not ASCII. */
  #moveEnds(text: string): void {
    let start = 0;
    let end = this.#length;
    for (let at = this.#firstInText; at < this.#count; at += 1) {
      const next = (this.#ends[at] ?? 0) - this.#length;
      end += Buffer.byteLength(text.slice(start, next));
      this.#ends[at] = end;
      start = next;
    }
  }

  #end(at: number, index: number): void {
    if (this.#count === this.#ends.length) {
      this.#ends = grown(this.#ends);
      this.#indexes = grown(this.#indexes);
    }
    this.#ends[this.#count] = at;
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
