import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorText } from '../../../kernel/errors/app-error.ts';
import { fsyncDirectory, makeDirectoryDurable } from '../../../kernel/folder/durable-file.ts';
import type { Checkpoint } from '../../../kernel/observe/checkpoint.ts';
import { type BlockRoom, boundlessRoom, type VolumeFull } from '../disk/volume-room.ts';
import type { EncodedBlock } from '../part-encoder.ts';
import type { AppendResult } from '../slice-writer.ts';
import { addFigures, type Figures, zeroFigures } from '../state/figures.ts';
import type { SyncSettings } from '../state/sync-settings.ts';
import { isStored } from './is-stored.ts';

interface PartFileOptions {
  readonly path: string;
  /** The root of the volume: it exists and is durable. */
  readonly volumePath: string;
  readonly checkpoint: Checkpoint;
  /** Bounds the syncs that run on the volume at once. */
  readonly sync: <T>(work: () => Promise<T>) => Promise<T>;
  /** `disk` where it is not given. */
  readonly syncMode?: SyncSettings['mode'] | undefined;
  /** Without one nothing is refused. */
  readonly room?: BlockRoom;
  /** Makes the file, which must not exist, in its existing folder. */
  readonly create?: (path: string) => Promise<PartHandle>;
}

/** What a part needs of its file. */
export type PartHandle = Pick<FileHandle, 'writev' | 'write' | 'datasync' | 'truncate' | 'sync' | 'close'>;

type AppendFailure = (AppendResult & { readonly type: 'failed' }) | VolumeFull;

/** Of the disk, or of the user's share of it. */
const noSpaceCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

const createFile = (path: string): Promise<PartHandle> => open(path, 'wx', 0o640);

/**
 * One part while its source lives: appends at the end, each acknowledged after its fdatasync (I1), or in mode `cache` after
 * its write.
 * ```
 * open --write or sync failed--> failed (takes nothing more; sealed at the watermark)
 * ```
 * Appends of one part run one after the other.
 */
export class PartFile implements AsyncDisposable {
  readonly #options: PartFileOptions;
  #file: PartHandle | undefined;
  #watermark = 0;
  /** In mode `cache`: what lies behind was acknowledged since the last sync. */
  #flushedLength = 0;
  #failure: AppendFailure | undefined;
  #figures: Figures = zeroFigures;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: PartFileOptions) {
    this.#options = options;
  }

  /** Bytes that are acknowledged. */
  get watermark(): number {
    return this.#watermark;
  }

  /** Figures of the acknowledged blocks, for live statistics; counts that last come from a walk. */
  get figures(): Figures {
    return this.#figures;
  }

  append(offset: number, block: EncodedBlock): Promise<AppendResult> {
    const result = this.#tail.then(() => this.#append(offset, block));
    // A repeat that cannot be read back fails alone.
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** What a sealed part answers: repeats are known, everything else goes to the successor. */
  async appendSealed(offset: number, block: EncodedBlock): Promise<AppendResult> {
    await this.#tail;
    return (await this.#stored(offset, block)) ?? { type: 'sealed', sealedLength: this.#watermark };
  }

  /** Syncs what was acknowledged without a sync. Where that rejects, nobody knows what the disk has, and it is not tried again. */
  async flush(): Promise<void> {
    if (this.#options.syncMode !== 'cache') return;
    await this.#tail;
    if (this.#flushedLength === this.#watermark) return;
    this.#flushedLength = this.#watermark;
    // Of a part that failed, what is left was synced by its cut; its name was not.
    if (this.#file) await this.#sync(this.#file, { isNew: true });
    else await fsyncDirectory(dirname(this.#options.path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #append(offset: number, block: EncodedBlock): Promise<AppendResult> {
    const stored = await this.#stored(offset, block);
    if (stored) return stored;
    // A repeat of the block that failed hears the same: until the part is sealed, what was in doubt still is.
    if (this.#failure) return this.#failure;
    if (offset > this.#watermark) return { type: 'gap', watermark: this.#watermark };
    const { checkpoint, syncMode = 'disk', room = boundlessRoom } = this.#options;
    const full = room.take(block.length);
    if (full) return full;
    try {
      this.#file ??= await this.#create();
      const file = this.#file;
      checkpoint('part.beforeWrite');
      await writeFully(file, block.buffers, offset);
      checkpoint('part.afterWrite');
      if (syncMode === 'disk') await this.#sync(file, { isNew: this.#watermark === 0 });
    } catch (error) {
      return this.#fail(error);
    }
    this.#watermark = offset + block.length;
    this.#figures = addFigures(this.#figures, figuresOfBlock(block));
    return { type: 'durable', watermark: this.#watermark };
  }

  async #sync(file: PartHandle, { isNew }: { readonly isNew: boolean }): Promise<void> {
    const { sync, checkpoint, path } = this.#options;
    await sync(() => file.datasync());
    // The name of the new file; `#create` has made everything above it durable.
    if (isNew) await fsyncDirectory(dirname(path));
    checkpoint('part.afterSync');
  }

  async #create(): Promise<PartHandle> {
    const { path, volumePath, create = createFile } = this.#options;
    await makeDirectoryDurable(dirname(path), volumePath);
    return create(path);
  }

  /** A failed sync is never repeated: the pages may be gone and marked clean. Only a cut that is synced takes the block back. */
  async #fail(error: unknown): Promise<AppendResult> {
    const isFull = error instanceof Error && 'code' in error && noSpaceCodes.includes(error.code);
    // At once: what others do needs the room of the ballast.
    if (isFull) this.#options.room?.noteNoSpace();
    const file = this.#file;
    this.#file = undefined;
    let inDoubt = false;
    try {
      await file?.truncate(this.#watermark);
      await file?.sync();
    } catch {
      inDoubt = true;
    }
    // Nothing of it counts: each repeat of a refused block would leave one more empty file until the slice goes.
    if (file && !inDoubt && this.#watermark === 0) await rm(this.#options.path, { force: true }).catch(() => undefined);
    // A failing disk ends parts much faster than slices: kept until the sealing, their descriptors would run out.
    await file?.close().catch(() => undefined);
    this.#failure = isFull && !inDoubt ? { type: 'full' } : { type: 'failed', inDoubt, reason: errorText(error) };
    return this.#failure;
  }

  #stored(offset: number, block: EncodedBlock): Promise<AppendResult | undefined> {
    return isStored(this.#options.path, this.#watermark, { offset, block });
  }
}

async function writeFully(file: PartHandle, buffers: readonly Buffer[], offset: number): Promise<void> {
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
