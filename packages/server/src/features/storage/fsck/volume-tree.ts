import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ballastName, lostAndFoundName, volumeIdName } from '../volume.ts';

/** What a volume has besides slices. */
const ownNames: ReadonlySet<string> = new Set([ballastName, lostAndFoundName, volumeIdName]);
/** Folders above a slice's own: project, branch, source, sink. */
const depthOfSlices = 5;

interface VolumeTree {
  /** Paths of slice folders, relative to the root, in order. */
  readonly sliceFolders: readonly string[];
  /** Files where no file belongs. */
  readonly strayFiles: readonly string[];
}

/** What is below a volume, or below its `lost+found`. A folder that is not there, or that only the system may read, is empty. */
export async function readVolumeTree(root: string): Promise<VolumeTree> {
  const sliceFolders: string[] = [];
  const strayFiles: string[] = [];
  const visit = async (path: string, depth: number): Promise<void> => {
    for (const entry of await entriesIn(join(root, path))) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (depth === 0 && ownNames.has(entry.name)) continue;
      if (!entry.isDirectory()) strayFiles.push(below);
      else if (depth === depthOfSlices - 1) sliceFolders.push(below);
      else await visit(below, depth + 1);
    }
  };
  await visit('', 0);
  return { sliceFolders: sliceFolders.sort((one, other) => (one < other ? -1 : 1)), strayFiles };
}

export async function entriesIn(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'EACCES') return [];
    throw error;
  });
}
