import { execFile } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A real file system of so many megabytes, in memory, unmounted at the end. Needs the right to mount: root, or a container that has it. */
export async function openSmallDisk(megabytes: number): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-disk-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'sluice-test', path]);
  } catch (error) {
    await rmdir(path);
    throw new Error(
      'A small disk cannot be mounted here: run this suite as root, or by `unshare --user --map-root-user --mount make test`.',
      { cause: error },
    );
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['--lazy', path]);
      await rmdir(path);
    },
  };
}
