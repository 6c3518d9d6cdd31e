import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** Longest path of a Unix socket on Linux, in bytes. */
const maxSocketPath = 107;

interface SocketPath extends AsyncDisposable {
  /** Leads to the socket until disposal. */
  readonly path: string;
}

/** A path to the socket in the folder that is short enough for the system, however long the folder's own path is. */
export async function openSocketPath(folder: string, name: string): Promise<SocketPath> {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= maxSocketPath) return { path, [Symbol.asyncDispose]: async () => {} };
  const directory = await open(folder, 'r');
  return { path: `/proc/self/fd/${directory.fd}/${name}`, [Symbol.asyncDispose]: () => directory.close() };
}
