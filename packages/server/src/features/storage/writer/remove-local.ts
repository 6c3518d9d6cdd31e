import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fsyncDirectory } from '../../../kernel/folder/durable-file.ts';

/** Removes a slice's folder with its parts, durably, and the folders above it that became empty. */
export async function removeLocal(volumePath: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await removeEmptyParents(volumePath, folder);
}

/** After the folder has gone: makes that durable and removes the folders above it that became empty. */
export async function removeEmptyParents(volumePath: string, folder: string): Promise<void> {
  let parent = dirname(folder);
  await fsyncDirectory(parent).catch(ignoreMissing);
  while (parent !== volumePath && (await removeIfEmpty(parent))) parent = dirname(parent);
}

async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch {
    return false;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
