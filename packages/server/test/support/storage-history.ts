import type { MetadataStore } from '../../src/engines/metadata/metadata-store.ts';
import type { File, FileState } from '../../src/features/storage/state/file.ts';
import type { Slice, SliceState } from '../../src/features/storage/state/slice.ts';
import { storagePrefix } from '../../src/features/storage/state/storage-keys.ts';
import { decodeFile, decodeSlice } from '../../src/features/storage/state/storage-store.ts';

/** Slice states that a file of this state may have (record path 5). */
const legalSliceStates: Readonly<Record<FileState, readonly SliceState[]>> = {
  writing: ['writing', 'closing', 'uploading', 'uploaded'],
  closing: ['closing', 'uploading', 'uploaded'],
  importing: ['uploaded'],
  imported: ['uploaded'],
  discarding: ['uploaded'],
  discarded: ['uploaded'],
};

/**
 * Everything that ever stood in metadata, revision by revision, broke no rule: states fit each other, from the first file on
 * there is always one writing file with one writing slice, and times of files and slices only grow. Returns the revisions.
 */
export async function checkHistory(metadata: MetadataStore): Promise<number> {
  const files = new Map<string, File>();
  const slices = new Map<string, Slice>();
  const newest = await metadata.revision();
  const stop = new AbortController();
  let newestFile = '';
  let newestSlice = '';
  for await (const { revision, events } of metadata.watch({ prefix: 'storage/', fromRevision: 1, signal: stop.signal })) {
    for (const event of events) {
      const key = event.type === 'put' ? event.entry.key : event.key;
      if (key.startsWith(storagePrefix.file)) {
        if (event.type === 'delete') files.delete(key);
        else files.set(key, grow(decodeFile(key, event.entry.value), files.get(key)));
      }
      if (key.startsWith(storagePrefix.slice)) {
        if (event.type === 'delete') slices.delete(key);
        else slices.set(key, grow(decodeSlice(key, event.entry.value), slices.get(key)));
      }
    }
    for (const slice of slices.values()) {
      const file = files.get(storagePrefix.file + slice.file);
      const legal = file && legalSliceStates[file.state];
      if (!legal?.includes(slice.state))
        throw new Error(`revision ${revision}: a slice is ${slice.state} in a file that is ${file?.state}`);
    }
    const openFiles = [...files.values()].filter(({ state }) => state === 'writing');
    const openSlices = [...slices.values()].filter(({ state }) => state === 'writing');
    if (files.size > 0 && (openFiles.length !== 1 || openSlices.length !== 1)) {
      throw new Error(`revision ${revision}: ${openFiles.length} files and ${openSlices.length} slices are writing`);
    }
    newestFile = atLeast(openFiles[0]?.openedAt ?? '', newestFile);
    newestSlice = atLeast(openSlices[0]?.openedAt ?? '', newestSlice);
    if (revision >= newest) break;
  }
  stop.abort();
  return newest;
}

function atLeast(time: string, before: string): string {
  if (time < before) throw new Error(`${time} was opened after ${before}`);
  return time;
}

const times = ['openedAt', 'closingAt', 'uploadingAt', 'uploadedAt', 'importingAt', 'discardingAt', 'importedAt', 'discardedAt'] as const;

/** The entity, whose times are in the order of its states. */
function grow<T extends File | Slice>(entity: T, before: T | undefined): T {
  const known = Object.entries(entity).flatMap(([name, value]) => (times.includes(name as never) ? [[name, String(value)] as const] : []));
  const sorted = known.sort(([a], [b]) => times.indexOf(a as never) - times.indexOf(b as never)).map(([, at]) => at);
  for (const [index, at] of sorted.entries()) if (at < (sorted[index - 1] ?? '')) throw new Error(`times go back: ${sorted.join(', ')}`);
  if (before && before.openedAt !== entity.openedAt) throw new Error('a time of opening changed');
  return entity;
}
