import type { Slice } from '../state/slice.ts';
import { fileSliceMetadataKey } from '../state/storage-keys.ts';
import type { StorageStore, Stored } from '../state/storage-store.ts';

const pageSize = 200;

/** The slices of a file as metadata has them now, in key order. A file holds at most `maxSlices` and one a volume more. */
export async function slicesOfFile(store: StorageStore, fileKey: string): Promise<Stored<Slice>[]> {
  const prefix = fileSliceMetadataKey(fileKey, '');
  const keys: string[] = [];
  for (let after: string | undefined, more = true; more; ) {
    const page = await store.metadata.range({ prefix, limit: pageSize, ...(after !== undefined && { after }) });
    keys.push(...page.entries.map((entry) => entry.key.slice(prefix.length)));
    after = page.entries.at(-1)?.key;
    more = page.more && after !== undefined;
  }
  const slices = await Promise.all(keys.map((key) => store.slice(key)));
  return slices.filter((slice) => slice !== undefined);
}
