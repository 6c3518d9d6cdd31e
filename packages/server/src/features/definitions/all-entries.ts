import type { MetadataEntry, MetadataStore } from '../../engines/metadata/metadata-store.ts';

/** Entries of a prefix in order of their keys, page by page: later pages show a later revision. */
export async function* allEntries(store: MetadataStore, prefix: string, pageSize = 1000): AsyncGenerator<MetadataEntry> {
  for (let after: string | undefined; ; ) {
    const { entries, more } = await store.range({ prefix, limit: pageSize, ...(after !== undefined && { after }) });
    yield* entries;
    after = entries.at(-1)?.key;
    if (!more || after === undefined) return;
  }
}
