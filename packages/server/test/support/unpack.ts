import { execFileSync } from 'node:child_process';
import { zstdDecompressSync } from 'node:zlib';

/** What the command `gzip` or `zstd` prints of the bytes. Where no `zstd` is installed, Node reads them. */
export function unpackByCommand(container: 'gzip' | 'zstd', input: Buffer): Buffer {
  try {
    return execFileSync(container, ['-dc'], { input, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    if (container === 'zstd' && error instanceof Error && 'code' in error && error.code === 'ENOENT') return zstdDecompressSync(input);
    throw error;
  }
}
