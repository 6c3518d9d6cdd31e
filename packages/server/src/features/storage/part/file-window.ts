import type { FileHandle } from 'node:fs/promises';

const windowBytes = 1024 * 1024;

/** Reads a file mostly forwards through one window; memory is bounded by the window or one request. */
export class FileWindow {
  readonly #file: FileHandle;
  readonly #limit: number;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  /** @param limit bytes of the file that are read; what lies behind does not exist for the window */
  constructor(file: FileHandle, limit: number) {
    this.#file = file;
    this.#limit = limit;
  }

  /** The bytes at `offset`, fewer than `length` only at the end. Valid until the next read. */
  async read(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.#limit - offset));
    if (offset < this.#start || offset + wanted > this.#start + this.#bytes.length) await this.#load(offset, Math.max(wanted, windowBytes));
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + wanted);
  }

  /** Where `needle` occurs first at or behind `from`. */
  async indexOf(needle: Buffer, from: number): Promise<number | undefined> {
    for (let offset = from; ; ) {
      if ((await this.read(offset, needle.length)).length < needle.length) return undefined;
      // What is in the window, however little: a search that begins anew behind each hit must not read the file anew.
      const held = this.#bytes.subarray(offset - this.#start);
      const found = held.indexOf(needle);
      if (found >= 0) return offset + found;
      offset += held.length - needle.length + 1;
    }
  }

  async #load(offset: number, length: number): Promise<void> {
    const size = Math.max(0, Math.min(length, this.#limit - offset));
    const bytes = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await this.#file.read(bytes, filled, size - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.#start = offset;
    this.#bytes = bytes.subarray(0, filled);
  }
}
