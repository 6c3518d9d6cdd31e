import { existsSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Semaphore } from '../../../kernel/async/semaphore.ts';
import { errorText } from '../../../kernel/errors/app-error.ts';
import { fsyncDirectory, makeDirectoryDurable } from '../../../kernel/folder/durable-file.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import { entriesIn, readVolumeTree } from '../fsck/volume-tree.ts';
import type { Adoption } from '../fsck-report.ts';
import { parseSliceFolder, sliceKeyText } from '../state/storage-keys.ts';
import type { StorageStore } from '../state/storage-store.ts';
import { lostAndFoundName, type Volume } from '../volume.ts';
import { removeEmptyParents } from '../writer/remove-local.ts';
import type { Adopter } from './adopter.ts';

interface LostAndFoundOptions {
  readonly volumes: readonly Volume[];
  readonly store: StorageStore;
  readonly adopter: Adopter;
  /** A folder that was changed since is left where it is. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const scanIntervalMs = 3_600_000;

/**
 * Slice folders that metadata does not know: moved to `<volume>/lost+found/<their path>`, never deleted, and taken back on demand.
 *
 * A slice's record is there before its folder and goes after it, so a folder without a record means that metadata was lost or
 * replaced by an older copy, or that somebody put the folder there.
 */
export class LostAndFound {
  readonly #options: LostAndFoundOptions;
  /** A scan must not move away what an adoption has just put back. */
  readonly #turns = new Semaphore({ permits: 1, maxWaiting: 1000 });
  #count = 0;

  constructor(options: LostAndFoundOptions) {
    this.#options = options;
  }

  /** Folders in `lost+found` of all volumes, as of the last scan or adoption. */
  get count(): number {
    return this.#count;
  }

  async countOf(volume: Volume): Promise<number> {
    return (await readVolumeTree(join(volume.path, lostAndFoundName))).sliceFolders.length;
  }

  /** Scans now and every hour until disposed. */
  openScans(): AsyncDisposable {
    const { logger } = this.#options;
    let scanning: Promise<unknown> = Promise.resolve();
    const scan = (): void => {
      scanning = this.scan().catch((error: unknown) => logger.warn({ error: errorText(error) }, 'volumes could not be scanned yet'));
    };
    scan();
    const timer = setInterval(scan, scanIntervalMs);
    return {
      [Symbol.asyncDispose]: async () => {
        clearInterval(timer);
        await scanning;
      },
    };
  }

  /** Moves what has been unknown for the grace time. The number of folders that were moved. */
  async scan(): Promise<number> {
    using _turn = await this.#turns.acquire();
    let moved = 0;
    for (const volume of this.#options.volumes) {
      for (const path of (await readVolumeTree(volume.path)).sliceFolders) if (await this.#putAway(volume, path)) moved += 1;
    }
    await this.#recount();
    return moved;
  }

  /** Takes back what can be taken back, and says of the rest why not. */
  async adopt(volumeId: string | undefined): Promise<Adoption[]> {
    using _turn = await this.#turns.acquire();
    const adoptions: Adoption[] = [];
    for (const volume of this.#options.volumes) {
      if (volumeId !== undefined && volume.id !== volumeId) continue;
      const { sliceFolders } = await readVolumeTree(join(volume.path, lostAndFoundName));
      for (const path of sliceFolders) adoptions.push({ volume: volume.id, path, ...(await this.#options.adopter.adopt(volume, path)) });
    }
    await this.#recount();
    return adoptions;
  }

  async #putAway(volume: Volume, path: string): Promise<boolean> {
    const { store, clock, graceMs, logger } = this.#options;
    const named = parseSliceFolder(path);
    const from = join(volume.path, path);
    const to = join(volume.path, lostAndFoundName, path);
    // From metadata itself: what the view shows is a moment old.
    if (!named || (await store.slice(sliceKeyText({ ...named, volumeId: volume.id })))) return false;
    if (clock.now() - (await lastChangeOf(from)) < graceMs || existsSync(to)) return false;
    await makeDirectoryDurable(dirname(to), volume.path);
    await rename(from, to);
    await fsyncDirectory(dirname(to));
    await removeEmptyParents(volume.path, from);
    logger.error({ volume: volume.id, folder: path }, 'metadata does not know a folder: it is moved to lost+found');
    return true;
  }

  async #recount(): Promise<void> {
    const counts = await Promise.all(this.#options.volumes.map((volume) => this.countOf(volume)));
    this.#count = counts.reduce((sum, count) => sum + count, 0);
  }
}

/** Of the folder or anything directly in it, ms since the epoch. What vanishes meanwhile was changed just now. */
async function lastChangeOf(folder: string): Promise<number> {
  const paths = [folder, ...(await entriesIn(folder)).map(({ name }) => join(folder, name))];
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Number.POSITIVE_INFINITY,
      ),
    ),
  );
  return Math.max(...times);
}
