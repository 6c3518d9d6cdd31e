import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { errorText } from '../../../kernel/errors/app-error.ts';
import { fsyncDirectory, makeDirectoryDurable } from '../../../kernel/folder/durable-file.ts';
import type { Checkpoint } from '../../../kernel/observe/checkpoint.ts';
import type { EncodedBlock } from '../part-encoder.ts';
import type { AppendResult } from '../slice-writer.ts';
import { addFigures, type Figures, zeroFigures } from '../state/figures.ts';

interface PartFileOptions {
  readonly path: string;
  /** The root of the volume: it exists and is durable. */
  readonly volumePath: string;
  readonly checkpoint: Checkpoint;
  /** Bounds the syncs that run on the volume at once. */
  readonly sync: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * One part while its source lives: appends at the end, each acknowledged after its fdatasync (I1).
 * ```
 * open --write or sync failed--> failed (takes nothing more; sealed at the watermark)
 * ```
 * Appends of one part run one after the other.
 */
export class PartFile implements AsyncDisposable {
  readonly #options: PartFileOptions;
  #file: FileHandle | undefined;
  #reachable = false;
  #watermark = 0;
  #failure: string | undefined;
  #figures: Figures = zeroFigures;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: PartFileOptions) {
    this.#options = options;
  }

  /** Bytes that are durable. */
  get watermark(): number {
    return this.#watermark;
  }

  /** Figures of the durable blocks, for live statistics; counts that last come from a walk. */
  get figures(): Figures {
    return this.#figures;
  }

  append(offset: number, block: EncodedBlock): Promise<AppendResult> {
    const result = this.#tail.then(() => this.#append(offset, block));
    this.#tail = result;
    return result;
  }

  /** What a sealed part answers: repeats are known, everything else goes to the successor. */
  async appendSealed(offset: number, block: EncodedBlock): Promise<AppendResult> {
    await this.#tail;
    return offset + block.length <= this.#watermark ? this.#repeat(offset, block) : { type: 'sealed', sealedLength: this.#watermark };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #append(offset: number, block: EncodedBlock): Promise<AppendResult> {
    if (offset + block.length <= this.#watermark) return this.#repeat(offset, block);
    if (offset < this.#watermark) return { type: 'conflict' };
    if (this.#failure !== undefined) return { type: 'failed', inDoubt: false, reason: this.#failure };
    if (offset > this.#watermark) return { type: 'gap', watermark: this.#watermark };
    const { checkpoint, sync } = this.#options;
    try {
      const file = (this.#file ??= await this.#create());
      checkpoint('part.beforeWrite');
      await writeFully(file, block.buffers, offset);
      checkpoint('part.afterWrite');
      await sync(() => file.datasync());
      if (!this.#reachable) await this.#makeReachable();
      checkpoint('part.afterSync');
    } catch (error) {
      return this.#fail(errorText(error));
    }
    this.#watermark = offset + block.length;
    this.#figures = addFigures(this.#figures, figuresOfBlock(block));
    return { type: 'durable', watermark: this.#watermark };
  }

  async #create(): Promise<FileHandle> {
    const { path, volumePath } = this.#options;
    await makeDirectoryDurable(dirname(path), volumePath);
    return open(path, 'wx+', 0o640);
  }

  async #makeReachable(): Promise<void> {
    await fsyncDirectory(dirname(this.#options.path));
    this.#reachable = true;
  }

  /** A failed sync is never repeated: the pages may be gone and marked clean. Only a cut that is synced takes the block back. */
  async #fail(reason: string): Promise<AppendResult> {
    this.#failure = reason;
    try {
      await this.#file?.truncate(this.#watermark);
      await this.#file?.sync();
      return { type: 'failed', inDoubt: false, reason };
    } catch {
      return { type: 'failed', inDoubt: true, reason };
    }
  }

  async #repeat(offset: number, block: EncodedBlock): Promise<AppendResult> {
    const stored = Buffer.allocUnsafe(block.length);
    const read = await this.#file?.read(stored, 0, block.length, offset);
    return read?.bytesRead === block.length && crc32(stored) === block.checksum
      ? { type: 'durable', watermark: this.#watermark }
      : { type: 'conflict' };
  }
}

async function writeFully(file: FileHandle, buffers: readonly Buffer[], offset: number): Promise<void> {
  const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  let { bytesWritten: written } = await file.writev(buffers, offset);
  if (written === length) return;
  const whole = Buffer.concat(buffers);
  while (written < length) written += (await file.write(whole, written, length - written, offset + written)).bytesWritten;
}

const figuresOfBlock = (block: EncodedBlock): Figures => ({
  goodRows: block.rows,
  damagedRows: 0,
  compressedBytes: block.length,
  rawBytes: block.rawLength,
  firstAt: block.firstAt,
  lastAt: block.lastAt,
});
