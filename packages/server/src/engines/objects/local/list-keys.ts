import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from './file-errors.ts';

export interface KeyQuery {
  readonly prefix: string;
  readonly after: string;
}

/**
 * Keys below the folder in ascending byte order of the whole key. A directory sorts as its name with a slash,
 * because `-` and `.` sort before the slash. Folders that cannot hold a wanted key are not read.
 */
export async function* listKeys(root: string, { prefix, after }: KeyQuery, base = ''): AsyncGenerator<string> {
  for (const name of await sortedNames(join(root, base))) {
    const key = base + name;
    if (!name.endsWith('/')) {
      if (key.startsWith(prefix) && key > after) yield key;
      continue;
    }
    const mayMatch = key.startsWith(prefix) || prefix.startsWith(key);
    const mayFollow = key > after || after.startsWith(key);
    if (mayMatch && mayFollow) yield* listKeys(root, { prefix, after }, key);
  }
}

async function sortedNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
  } catch (error) {
    // Emptied and removed while we walked.
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
