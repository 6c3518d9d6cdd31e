import type { File } from '../state/file.ts';
import { fileKeyText, fileMetadataKey } from '../state/storage-keys.ts';
import { decodeFile, type StorageStore, type Stored } from '../state/storage-store.ts';

const pageSize = 100;

/**
 * The sink's newest file as metadata has it now. A sink may have thousands, so only what is newer than the `known` ones is
 * listed: keys of a sink's files are in time order, and what memory does not show yet is newer than what it shows.
 */
export async function newestFile(store: StorageStore, sinkKey: string, known: readonly File[]): Promise<Stored<File> | undefined> {
  const prefix = fileMetadataKey(`${sinkKey}/`);
  const newestKnown = known.map(fileKeyText).reduce((newest, key) => (key > newest ? key : newest), '');
  let after = newestKnown === '' ? undefined : fileMetadataKey(newestKnown);
  let newest = newestKnown === '' ? undefined : await store.file(newestKnown);
  for (let more = true; more; ) {
    const page = await store.metadata.range({ prefix, limit: pageSize, ...(after !== undefined && { after }) });
    const last = page.entries.at(-1);
    if (last !== undefined) newest = { value: decodeFile(last.key, last.value), modRevision: last.modRevision };
    after = last?.key;
    more = page.more && after !== undefined;
  }
  return newest;
}
