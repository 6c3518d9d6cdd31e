import type { MetadataStore } from '../../../engines/metadata/metadata-store.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import { waitUntilApplied } from '../applied-revision.ts';

const timeoutMs = 5000;

/** A record sent after the task finds what the task made. A node that does not follow in time delays a task, it does not fail it. */
export async function untilApplied(
  { store, logger }: { readonly store: MetadataStore; readonly logger: Logger },
  revision: number,
): Promise<void> {
  const isApplied = await waitUntilApplied(store, revision, { timeoutMs });
  if (!isApplied) logger.warn({ revision, timeoutMs }, 'a source node does not follow the definitions');
}
