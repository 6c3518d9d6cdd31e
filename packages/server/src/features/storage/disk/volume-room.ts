import { statfs } from 'node:fs/promises';
import { formatByteSize } from '../../../kernel/codec/byte-size.ts';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { AppendResult } from '../slice-writer.ts';
import type { Volume } from '../volume.ts';
import { makeBallast, removeBallast, wholeBallast } from './ballast.ts';

export interface DiskSettings {
  /** Free space below which blocks are refused: percent of the volume, but within the bounds. 0 percent: none. */
  readonly reserve: { readonly percent: number; readonly minBytes: number; readonly maxBytes: number };
  /** 0: none. */
  readonly ballastBytes: number;
}

/** What a writer asks before it writes a block. */
export interface BlockRoom {
  /** By the last measurement: blocks are refused. */
  readonly isFull: boolean;
  /** Undefined where the block may be written, which counts it as written until the next measurement. */
  take(bytes: number): VolumeFull | undefined;
  /** A write met a full disk. */
  noteNoSpace(): void;
}
export type VolumeFull = AppendResult & { readonly type: 'full' };

export interface VolumeSpace {
  readonly id: string;
  readonly path: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly reserveBytes: number;
  /** Bytes that the ballast holds; 0 where there is none. */
  readonly ballastBytes: number;
  readonly wantedBallastBytes: number;
  /** Why blocks are refused, and what to do; absent where they are taken. */
  readonly refusal?: string;
}

interface VolumeRoomOptions {
  readonly volume: Volume;
  readonly settings: DiskSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly measure?: (path: string) => Promise<Pick<VolumeSpace, 'freeBytes' | 'totalBytes'>>;
}

/** Between two measurements; each tells a disk that has filled up or has room again within this time. */
export const measureIntervalMs = 500;
/** Least time from freeing the ballast to making it again: under a quota the free space is no sign that there is room. */
const ballastPauseMs = 10_000;
/** A volume gives at most this share to its ballast. */
const ballastShare = 1 / 16;
/** What is left of the disk when the ballast is freed, as a share of it: others than the writer meet the full disk too. */
const lowShare = 1 / 8;
const maxRetryAfterSeconds = 60;

/**
 * The room of one volume (record path 7): whether blocks are taken, and the ballast.
 * ```
 * ballast  kept --no space--> out --free >= floor + ballast--> kept
 * ```
 * While the ballast is out its room belongs to sealing, import and cleanup: the floor under which blocks are refused is then
 * at least its size. Blocks are judged by the last measurement less what was taken since.
 */
export class VolumeRoom implements BlockRoom {
  readonly #options: VolumeRoomOptions;
  #space: { freeBytes: number; readonly totalBytes: number } | undefined;
  #ballast: 'unknown' | 'kept' | 'out' = 'unknown';
  #ballastBytes = 0;
  #freedAt = Number.NEGATIVE_INFINITY;
  #noSpaceUntil = Number.NEGATIVE_INFINITY;
  #full: { readonly since: number; readonly freeBytes: number } | undefined;
  #looking: Promise<void> | undefined;
  #releasing: Promise<void> | undefined;
  #refusedBlocks = 0;
  /** The smallest block that was refused since the volume last had room for it; 0 where none is. */
  #missingBytes = 0;
  readonly #listeners = new Set<(volumeId: string) => void>();

  constructor(options: VolumeRoomOptions) {
    this.#options = options;
  }

  get id(): string {
    return this.#options.volume.id;
  }

  get isFull(): boolean {
    return this.#full !== undefined;
  }

  /** Called from now on whenever the volume begins to refuse blocks; must not throw. */
  onFull(listener: (volumeId: string) => void): void {
    this.#listeners.add(listener);
  }

  get refusedBlocks(): number {
    return this.#refusedBlocks;
  }

  /** As of the last measurement; undefined before the first. */
  get space(): VolumeSpace | undefined {
    const { volume, settings } = this.#options;
    if (!this.#space) return undefined;
    const { freeBytes, totalBytes } = this.#space;
    const refusal = this.#refusal(this.#missingBytes);
    return {
      id: volume.id,
      path: volume.path,
      freeBytes,
      totalBytes,
      reserveBytes: reserveOf(settings.reserve, totalBytes),
      ballastBytes: this.#ballastBytes,
      wantedBallastBytes: this.#wantedBallast,
      ...(refusal !== undefined && { refusal }),
    };
  }

  take(bytes: number): VolumeFull | undefined {
    if (this.#refusal(bytes) === undefined) {
      if (this.#space) this.#space.freeBytes -= bytes;
      return undefined;
    }
    this.#refusedBlocks += 1;
    // Just above the floor there is room for a smaller block only, and whoever looks must see that rows are refused.
    this.#missingBytes = this.#missingBytes === 0 ? bytes : Math.min(this.#missingBytes, bytes);
    this.#noteFullness();
    return { type: 'full', retryAfterSeconds: this.#retryAfterSeconds() };
  }

  noteNoSpace(): void {
    this.#noSpaceUntil = this.#options.clock.monotonic() + measureIntervalMs;
    this.#releasing ??= this.#release('a write met a full disk').finally(() => {
      this.#releasing = undefined;
    });
    void this.#releasing.then(() => this.look());
  }

  /** Measures and sees to the ballast; calls that come meanwhile share the result. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#options.logger.error({ volume: this.id, error: errorText(error) }, 'a volume cannot be measured'))
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    await this.measure();
    const wanted = this.#wantedBallast;
    if (wanted === 0 || !this.#space) return;
    if (this.#ballast === 'unknown') {
      this.#ballastBytes = await wholeBallast(this.#options.volume.path, wanted);
      this.#ballast = this.#ballastBytes > 0 ? 'kept' : 'out';
    }
    const { freeBytes } = this.#space;
    if (this.#ballast === 'kept' && freeBytes < wanted * lowShare) await this.#release('the disk is nearly full');
    else if (this.#ballast === 'out' && freeBytes >= this.#floor + wanted) await this.#make(wanted);
  }

  /** Takes the figures only; safe where another process keeps the ballast. */
  async measure(): Promise<void> {
    const { volume, measure = measureVolume } = this.#options;
    this.#space = { ...(await measure(volume.path)) };
    this.#noteFullness();
  }

  get #wantedBallast(): number {
    const total = this.#space?.totalBytes ?? 0;
    return Math.min(this.#options.settings.ballastBytes, Math.floor(total * ballastShare));
  }

  get #floor(): number {
    const reserve = reserveOf(this.#options.settings.reserve, this.#space?.totalBytes ?? 0);
    return this.#ballast === 'out' ? Math.max(reserve, this.#wantedBallast) : reserve;
  }

  #refusal(bytes: number): string | undefined {
    const { path } = this.#options.volume;
    const floor = this.#floor;
    if (this.#space && floor > 0 && this.#space.freeBytes - bytes < floor) {
      return `${path} has ${megabytes(this.#space.freeBytes)} free and keeps ${megabytes(floor)} for what is stored already: free space on this disk, or give it more`;
    }
    if (this.#noSpaceUntil === Number.NEGATIVE_INFINITY || this.#options.clock.monotonic() >= this.#noSpaceUntil) return undefined;
    return `a write to ${path} met a full disk: free space on it, and look for a quota or a lack of inodes where there seems to be room`;
  }

  #noteFullness(): void {
    const { clock, logger } = this.#options;
    const refusal = this.#refusal(this.#missingBytes);
    if (refusal === undefined) this.#missingBytes = 0;
    if (refusal !== undefined && !this.#full) {
      this.#full = { since: clock.monotonic(), freeBytes: this.#space?.freeBytes ?? 0 };
      logger.error({ volume: this.id, reason: refusal }, 'a volume refuses rows');
      for (const listener of this.#listeners) listener(this.id);
    }
    if (refusal === undefined && this.#full) {
      this.#full = undefined;
      logger.info({ volume: this.id }, 'a volume takes rows again');
    }
  }

  /** From the rate at which space came back since the volume is full; 1 where none has. */
  #retryAfterSeconds(): number {
    if (!this.#full || !this.#space) return 1;
    const gained = this.#space.freeBytes - this.#full.freeBytes;
    const missing = this.#floor - this.#space.freeBytes;
    const seconds = (missing / gained) * ((this.#options.clock.monotonic() - this.#full.since) / 1000);
    return gained > 0 && missing > 0 ? Math.min(maxRetryAfterSeconds, Math.max(1, Math.ceil(seconds))) : 1;
  }

  async #release(reason: string): Promise<void> {
    if (this.#options.settings.ballastBytes === 0 || this.#ballast === 'out') return;
    const { volume, clock, logger } = this.#options;
    this.#ballast = 'out';
    this.#ballastBytes = 0;
    this.#freedAt = clock.monotonic();
    try {
      await removeBallast(volume.path);
      logger.warn({ volume: this.id, reason }, 'the ballast is freed for what is stored already');
      await this.measure();
    } catch (error) {
      logger.error({ volume: this.id, error: errorText(error) }, 'the ballast cannot be freed');
    }
  }

  async #make(bytes: number): Promise<void> {
    const { volume, clock, logger } = this.#options;
    if (clock.monotonic() - this.#freedAt < ballastPauseMs) return;
    try {
      await makeBallast(volume.path, bytes);
      this.#ballast = 'kept';
      this.#ballastBytes = bytes;
    } catch (error) {
      logger.warn({ volume: this.id, error: errorText(error) }, 'the ballast cannot be made yet');
      this.#freedAt = clock.monotonic();
    }
    await this.measure();
  }
}

/** Room without bounds, for volumes that nobody measures. */
export const boundlessRoom: BlockRoom = { isFull: false, take: () => undefined, noteNoSpace: () => undefined };

/** Bytes of the reserve. */
export function reserveOf({ percent, minBytes, maxBytes }: DiskSettings['reserve'], totalBytes: number): number {
  return percent === 0 ? 0 : Math.min(maxBytes, Math.max(minBytes, Math.floor((totalBytes * percent) / 100)));
}

async function measureVolume(path: string): Promise<Pick<VolumeSpace, 'freeBytes' | 'totalBytes'>> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

const megabytes = (bytes: number): string => formatByteSize(Math.max(0, Math.floor(bytes / 1024 ** 2)) * 1024 ** 2);
