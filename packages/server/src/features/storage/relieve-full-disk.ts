import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { ballastPath, removeBallast } from './disk/ballast.ts';

/** What a start needs at most: lock, journals and the files that it replaces. */
const startBytes = 4 * 1024 ** 2;

/**
 * Frees the ballast of every volume below the folder whose disk has no room left, before anything is opened: a start writes.
 * Safe beside a running service, which would do the same.
 */
export async function relieveFullDisk(volumesFolder: string): Promise<void> {
  for (const type of await namesIn(volumesFolder)) {
    for (const label of await namesIn(join(volumesFolder, type))) {
      const path = join(volumesFolder, type, label);
      const hasBallast = await stat(ballastPath(path)).catch(() => undefined);
      if (!hasBallast) continue;
      const { bavail, bsize } = await statfs(path);
      if (bavail * bsize < startBytes) await removeBallast(path);
    }
  }
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
