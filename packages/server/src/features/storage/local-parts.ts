import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../kernel/errors/app-error.ts';
import { extensionOf } from './block/block-codec.ts';
import { sliceFolder } from './state/storage-keys.ts';
import type { StorageView } from './storage-view.ts';
import type { Volume } from './volume.ts';

/** A part file on this machine. */
export interface LocalPart {
  readonly path: string;
  /** Bytes that belong to the part: the sealed length, or what is there of an open one. */
  readonly length: number;
}

interface LocalPartsQuery {
  readonly sliceKey: string;
  readonly view: StorageView;
  readonly volumes: readonly Volume[];
}

/** The parts of a slice in order of their names. `sliceNotFound` where there is no such slice or its local parts are removed. */
export async function localParts({ sliceKey, view, volumes }: LocalPartsQuery): Promise<LocalPart[]> {
  const slice = view.slice(sliceKey);
  const volume = volumes.find(({ id }) => id === slice?.volumeId);
  if (!slice || !volume || ('localRemovedAt' in slice && slice.localRemovedAt !== undefined)) {
    throw new AppError(
      'sliceNotFound',
      `Slice "${sliceKey}" has no parts on this machine; keys look like 1/1/source/sink/<volume>/<opened at>.`,
    );
  }
  const folder = join(volume.path, sliceFolder(slice));
  const extension = extensionOf(slice.codec);
  if ('parts' in slice) return slice.parts.map(({ name, length }) => ({ path: join(folder, name + extension), length }));
  const names = await readdir(folder).catch(() => []);
  const paths = names
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => join(folder, name));
  return Promise.all(paths.map(async (path) => ({ path, length: (await stat(path)).size })));
}
