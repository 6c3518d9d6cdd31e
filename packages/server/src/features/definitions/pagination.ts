import type { Page, PageQuery } from '@sluice/contract/page';
import type { MetadataEntry, MetadataStore } from '../../engines/metadata/metadata-store.ts';

export interface EntryPage {
  readonly entries: readonly MetadataEntry[];
  readonly page: Page;
}

/**
 * One page of the keys directly below a prefix that ends in `/`, in byte order of the id behind it.
 * The cursor is exclusive and need not exist; the total counts the whole collection.
 */
export async function pageOf(store: MetadataStore, prefix: string, { afterId, limit }: PageQuery): Promise<EntryPage> {
  const after = afterId === '' ? {} : { after: prefix + afterId.toWellFormed() };
  const [{ entries }, totalCount] = await Promise.all([store.range({ prefix, limit, ...after }), store.count(prefix)]);
  const lastId = entries.at(-1)?.key.slice(prefix.length) ?? '';
  return { entries, page: { limit, totalCount, afterId, lastId } };
}

/** Version cursors may be written without the zeros of version keys. */
export const padVersionCursor = (afterId: string): string => (afterId === '' ? '' : afterId.padStart(10, '0'));

/** As `pageOf`, but the cursor is a version number, and the total counts only what lies behind it. */
export async function versionPageOf(store: MetadataStore, prefix: string, { afterId, limit }: PageQuery): Promise<EntryPage> {
  const cursor = padVersionCursor(afterId).toWellFormed();
  const after = cursor === '' ? {} : { after: prefix + cursor };
  const behind: MetadataEntry[] = [];
  for (let from = after; ; from = { after: behind.at(-1)?.key ?? prefix }) {
    const { entries, more } = await store.range({ prefix, limit: 1000, ...from });
    behind.push(...entries);
    if (!more) break;
  }
  const entries = behind.slice(0, limit);
  const lastId = entries.at(-1)?.key.slice(prefix.length) ?? '';
  return { entries, page: { limit, totalCount: behind.length, afterId, lastId } };
}
