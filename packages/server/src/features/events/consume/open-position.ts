import type { LogEngine, OffsetRange, OwnedPartition } from '../../../engines/log/log-engine.ts';
import type { LogPartition, SeriesStore } from '../../../engines/series/series-store.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { RepeatWindow } from '../repeat-window.ts';
import { rebuildWindow } from './rebuild-window.ts';
import { RepeatJournal } from './repeat-journal.ts';

interface OpenOptions {
  readonly log: LogEngine;
  readonly store: SeriesStore;
  readonly owned: OwnedPartition;
  readonly key: LogPartition;
  readonly group: string;
  /** Where this process has stored up to, with a store that keeps no progress. */
  readonly stored: number | undefined;
  readonly signal: AbortSignal;
}

export interface OpenedPosition {
  /** First record that is not handled. */
  readonly next: number;
  /** First record that there is. */
  readonly begin: number;
  /** As it is before `next`. */
  readonly window: RepeatWindow;
  /** Where the store keeps the repeats. */
  readonly journal: RepeatJournal | undefined;
  /** Neither the store nor the group knew the partition. */
  readonly isNew: boolean;
}

/**
 * Where the partition goes on: by the progress of a transactional store, else by the commits of the group.
 * `logOffsetOutOfRange` where that is behind the end of the log: records that were handled are gone, and those that would come in their
 * place must not be passed over. Else errors as those of the log and the store.
 */
export async function openPosition(options: OpenOptions): Promise<OpenedPosition> {
  const { log, owned, store, key, signal } = options;
  const progress = await store.readProgress(key, signal);
  const { next, isNew } = progress ?? (await committed(options));
  const range = (await log.offsets(owned.topic))[owned.partition] ?? { begin: 0, end: 0 };
  assertWithin(next, { owned, range, route: key.route });
  if (!progress) {
    const window = await rebuildWindow({ log, topic: owned.topic, partition: owned.partition, signal }, next);
    return { next, isNew, begin: range.begin, window, journal: undefined };
  }
  const window = new RepeatWindow({ tracksChanges: true });
  const journal = new RepeatJournal();
  for (let after = 0, more = true; more; ) {
    const page = await store.readRepeats({ partition: key, after }, signal);
    // A chunk behind `next` is of another writer, who has been faster: the first write will tell.
    for (const chunk of page.chunks) if (chunk.to <= next) journal.restore(window, chunk);
    after = page.chunks.at(-1)?.to ?? after;
    more = page.more && page.chunks.length > 0;
  }
  return { next, isNew, begin: range.begin, window, journal };
}

async function committed({ log, owned, group, stored }: OpenOptions): Promise<{ next: number; isNew: boolean }> {
  if (stored !== undefined) return { next: stored, isNew: false };
  const known = (await log.groupOffsets(group, owned.topic))[owned.partition];
  return { next: known?.committed ?? 0, isNew: known?.committed === undefined };
}

function assertWithin(
  next: number,
  { owned, range, route }: { readonly owned: OwnedPartition; readonly range: OffsetRange; readonly route: string },
): void {
  if (next <= range.end) return;
  const { topic, partition } = owned;
  throw new AppError(
    'logOffsetOutOfRange',
    `Route ${route} has stored partition ${partition} of topic ${topic.name} (${topic.id}) up to offset ${next}, but the log ends at ${range.end}: it has lost records, as an older copy of it has. Bring the log back as it was, or delete the topic, so that it is made anew and read from its begin.`,
  );
}
