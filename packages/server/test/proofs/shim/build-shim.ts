import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rename } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const source = fileURLToPath(new URL('./fault-shim.c', import.meta.url));
const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden'];

/** Path of the shim's library, compiled once for each version of its source. Rejects with what to install where it cannot be built. */
export async function buildShim(compiler = 'gcc'): Promise<string> {
  if (process.platform !== 'linux') throw new Error('The fault shim is an LD_PRELOAD library: these proofs run on Linux only.');
  const version = createHash('sha256')
    .update(await readFile(source))
    .update(flags.join(' '))
    .digest('hex')
    .slice(0, 16);
  const folder = join(tmpdir(), `sluice-fault-shim-${userInfo().uid}`);
  const library = join(folder, `${version}.so`);
  if (await exists(library)) return library;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fresh = join(folder, `${randomUUID()}.so`);
  try {
    await promisify(execFile)(compiler, [...flags, '-o', fresh, source, '-ldl', '-lpthread']);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`The fault shim needs a C compiler and ${compiler} is not there: install the Debian packages gcc and libc6-dev.`, {
      cause: error,
    });
  }
  await rename(fresh, library);
  return library;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
