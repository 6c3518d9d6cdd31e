import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

interface WriteOptions {
  /** Permission bits of a new file, 0600 by default. */
  readonly mode?: number;
}

/**
 * Replaces the file by the content: readers see the old or the new one, never a mixture.
 * When it settles, content and name survive a power cut. The directory must exist.
 */
export async function writeFileDurably(path: string, content: string | Uint8Array, { mode = 0o600 }: WriteOptions = {}): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await using file = await open(temporary, 'wx', mode);
    await file.writeFile(content);
    await file.sync();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await fsyncDirectory(dirname(path));
}

/** Makes the entries of the directory durable: names that were created, renamed or removed in it. */
export async function fsyncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}

/**
 * Creates the directory with its parents and makes every entry between `upTo` and it durable.
 * `upTo` is an ancestor that exists and is durable itself; what lies above it is not touched.
 */
export async function makeDirectoryDurable(path: string, upTo: string): Promise<void> {
  const root = resolve(upTo);
  const parents: string[] = [];
  for (let directory = resolve(path); directory !== root; directory = dirname(directory)) {
    if (directory === dirname(directory)) throw new RangeError(`${root} is no ancestor of ${path}`);
    parents.push(dirname(directory));
  }
  await mkdir(path, { recursive: true, mode: 0o700 });
  for (const parent of parents) await fsyncDirectory(parent);
}
