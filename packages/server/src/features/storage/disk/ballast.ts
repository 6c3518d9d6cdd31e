import { randomFillSync } from 'node:crypto';
import { open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fsyncDirectory } from '../../../kernel/folder/durable-file.ts';
import { ballastName } from '../volume.ts';

/** Size of a disk block as `stat` counts them, whatever the file system. */
const statBlockBytes = 512;
const chunkBytes = 1024 ** 2;

export const ballastPath = (volumePath: string): string => join(volumePath, ballastName);

/** Bytes of the ballast that is there with all its blocks; 0 where it is missing or was cut off in the making. */
export async function wholeBallast(volumePath: string, bytes: number): Promise<number> {
  const found = await stat(ballastPath(volumePath)).catch(() => undefined);
  return found !== undefined && found.size === bytes && found.blocks * statBlockBytes >= bytes ? bytes : 0;
}

/** Writes the ballast and syncs it. Where that fails nothing of it is left. */
export async function makeBallast(volumePath: string, bytes: number): Promise<void> {
  await removeBallast(volumePath);
  try {
    await using file = await open(ballastPath(volumePath), 'wx', 0o640);
    // Random, because file systems that compress keep no room for anything else.
    const chunk = randomFillSync(Buffer.allocUnsafe(Math.min(chunkBytes, bytes)));
    for (let written = 0; written < bytes; ) {
      written += (await file.write(chunk, 0, Math.min(chunk.length, bytes - written), written)).bytesWritten;
    }
    await file.sync();
  } catch (error) {
    await removeBallast(volumePath);
    throw error;
  }
}

/** Gives the room back to whoever needs it. Needs none itself. */
export async function removeBallast(volumePath: string): Promise<void> {
  await rm(ballastPath(volumePath), { force: true });
  await fsyncDirectory(dirname(ballastPath(volumePath)));
}
