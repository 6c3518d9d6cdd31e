import { type Conservation, conservationOf, type RowPlace } from './conservation.ts';
import { earliest } from './part/part-summary.ts';
import { type File, isFinished, quarantineOf, refusalOf } from './state/file.ts';
import type { Slice } from './state/slice.ts';
import { fileKeyText, sinkTextOf, sliceKeyText } from './state/storage-keys.ts';
import type { StorageView } from './storage-view.ts';

/** Where the rows of a sink are: each good row is in exactly one place. */
export interface SinkStatus {
  /** `<project>/<branch>/<source>/<sink>` */
  readonly sink: string;
  readonly rows: Readonly<Record<RowPlace, number>>;
  readonly conservation: Conservation;
  /** Arrival of the oldest row that is not imported, ms since the epoch. */
  readonly oldestAt: number | undefined;
  /** Files and slices whose last step failed and is tried again. */
  readonly retrying: number;
  readonly retryReasons: readonly string[];
  readonly quarantined: readonly { readonly file: string; readonly reason: string }[];
  /** Files that the table engine refused and that were staged again, with what it had said; not those in quarantine. */
  readonly stagedAgain: readonly { readonly file: string; readonly reason: string }[];
}

/** The state of all sinks that have files, in order of their keys. */
export function storageStatus(view: StorageView): SinkStatus[] {
  const filesOfSinks = Map.groupBy(view.files(), sinkTextOf);
  const strays = Map.groupBy(straySlices(view), sinkTextOf);
  return [...filesOfSinks]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([sink, files]) => statusOfSink(view, sink, { files, strays: strays.get(sink) ?? [] }));
}

/** Slices of no file: nothing would ever import them. */
const straySlices = (view: StorageView): Slice[] => [...view.slices()].filter((slice) => view.file(slice.file) === undefined);

interface Entities {
  readonly files: readonly File[];
  readonly strays: readonly Slice[];
}

function statusOfSink(view: StorageView, sink: string, { files, strays }: Entities): SinkStatus {
  const sum = view.sinkSum(sink);
  const rows = { local: 0, staged: 0, quarantined: 0, imported: sum.goodRows, damaged: sum.damagedRows, discarded: sum.discardedRows ?? 0 };
  let oldestAt: number | undefined;
  const retryReasons: string[] = [];
  const quarantined: { file: string; reason: string }[] = [];
  const stagedAgain: { file: string; reason: string }[] = [];
  for (const file of files) {
    const key = fileKeyText(file);
    if (file.retry) retryReasons.push(file.retry.reason);
    const refusal = refusalOf(file);
    if (refusal && !quarantineOf(file)) stagedAgain.push({ file: key, reason: refusal.reason });
    if (isFinished(file)) {
      rows[file.state] += file.figures.goodRows;
      rows.damaged += file.figures.damagedRows;
      continue;
    }
    const quarantine = quarantineOf(file);
    if (quarantine) quarantined.push({ file: key, reason: quarantine.reason });
    for (const slice of view.slicesOf(key)) {
      const figures = view.figures(sliceKeyText(slice));
      rows[placeOf(slice, quarantine !== undefined)] += figures.goodRows;
      rows.damaged += figures.damagedRows;
      oldestAt = earliest(oldestAt, figures.goodRows > 0 ? figures.firstAt : undefined);
      if (slice.retry) retryReasons.push(slice.retry.reason);
    }
  }
  const conservation = conservationOf(view, sink, { files, strays });
  const retries = { retrying: retryReasons.length, retryReasons: [...new Set(retryReasons)] };
  return { sink, rows, conservation, oldestAt, ...retries, quarantined, stagedAgain };
}

function placeOf(slice: Slice, isQuarantined: boolean): 'local' | 'staged' | 'quarantined' {
  if (isQuarantined) return 'quarantined';
  return slice.state === 'uploaded' ? 'staged' : 'local';
}
