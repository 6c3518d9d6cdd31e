import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './lock-file.ts';

/** What clones on this machine share: programs, no data. */
async function openCache(): Promise<string> {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sluice-services');
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * The folder of this name in the cache. Where it is not there `build` fills an empty one, once for all processes that ask;
 * it gets its name only when it is complete.
 */
export async function cachedFolder(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const cache = await openCache();
  const folder = join(cache, name);
  if (await exists(folder)) return folder;
  return withLock(join(cache, `${name}.lock`), async () => {
    if (await exists(folder)) return folder;
    const fresh = join(cache, `${name}.${randomUUID()}.new`);
    try {
      await mkdir(fresh);
      await build(fresh);
      await rename(fresh, folder);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw error;
    }
    return folder;
  });
}

/** One installation of Debian packages at a time: the package manager refuses a second one. */
export async function aloneOnThisMachine<T>(work: () => Promise<T>): Promise<T> {
  return withLock(join(await openCache(), 'debian.lock'), work);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
