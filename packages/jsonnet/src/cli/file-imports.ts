import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import type { ImportResolver } from '../import-resolver.ts';
import { withFile } from './file-error.ts';

/** Imports files beside the importing one, else in the library folders, of which the last wins. */
export function createFileImports(libraryFolders: readonly string[]): ImportResolver {
  const read = new Map<string, Uint8Array | undefined>();
  const tryPath = (path: string): Uint8Array | undefined => {
    if (!read.has(path)) read.set(path, existsSync(path) ? withFile(path, () => readFileSync(path)) : undefined);
    return read.get(path);
  };
  return ({ from, path }) => {
    const own = from.slice(0, from.lastIndexOf('/') + 1);
    for (const folder of [own, ...libraryFolders.toReversed()]) {
      const found = isAbsolute(path) ? normalize(path) : folder + path && join(folder, path).replace(/(?<=.)\/$/, '');
      const content = tryPath(found);
      if (content) return { path: found, content };
    }
    throw new Error(`couldn't open import ${JSON.stringify(path)}: no match locally or in the Jsonnet library paths`);
  };
}
