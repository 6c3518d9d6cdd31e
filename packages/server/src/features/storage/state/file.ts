import { z } from 'zod';
import { figuresSchema } from './figures.ts';
import { retrySchema } from './retry.ts';
import { rowCounts } from './row-counts.ts';
import { syncSettingsSchema } from './sync-settings.ts';

/**
 * A file: the unit of import. Its slices are found under `storage/file-slice/<fileKey>/`.
 * ```
 * writing --close--> closing --slicesUploaded--> importing --imported--> imported
 *                       '------------allEmpty----------------------------^  ^
 *                                 importing, in quarantine --discard--> discarding --discarded--> discarded
 *                                                                          '--imported--> imported
 * ```
 * `failed` keeps the state and notes the next attempt; `quarantine` keeps an importing file out of further attempts until an
 * operator says `retry`, which ends the quarantine, or `discard`. A file that is `discarding` is never imported again, but an
 * importer that had begun before may have been faster: then the ledger says so, and the file is `imported`.
 */
export const sinkRefSchema = z.object({ projectId: z.int(), branchId: z.int(), sourceId: z.string(), sinkId: z.string() });

/** Triggers as they were when the file was opened. Times in milliseconds, sizes in bytes. */
const fileSettingsSchema = z.object({
  maxRowBytes: z.int(),
  /** Absent in records of earlier releases: disk, wait. */
  sync: syncSettingsSchema.optional(),
  upload: z.object({ minIntervalMs: z.number(), intervalMs: z.number(), count: z.int(), bytes: z.int() }),
  import: z.object({
    minIntervalMs: z.number(),
    intervalMs: z.number(),
    count: z.int(),
    bytes: z.int(),
    slices: z.int(),
    maxSlices: z.int(),
  }),
});
export type FileSettings = z.infer<typeof fileSettingsSchema>;

const fileBase = z.object({
  sink: sinkRefSchema,
  /** UTC text; part of the key. */
  openedAt: z.string(),
  sinkVersion: z.int(),
  /** `<stage>.<bucket>.<table>` and the CSV fields of every slice. */
  tableId: z.string(),
  columns: z.array(z.string()).min(1),
  codec: z.enum(['gzip']),
  settings: fileSettingsSchema,
  /** Random; the key of the ledger. */
  importId: z.string(),
  retry: retrySchema.optional(),
});

const closed = { closingAt: z.string() };
const counted = { figures: figuresSchema, ...rowCounts };
const quarantineSchema = z.object({ at: z.string(), reason: z.string() });

export const fileSchema = z.discriminatedUnion('state', [
  fileBase.extend({ state: z.literal('writing') }),
  fileBase.extend({ state: z.literal('closing'), ...closed }),
  fileBase.extend({
    state: z.literal('importing'),
    ...closed,
    ...counted,
    importingAt: z.string(),
    /** Of the slice list; with the row count it tells a repeated import from a mix-up. */
    checksum: z.string(),
    quarantine: quarantineSchema.optional(),
  }),
  fileBase.extend({
    state: z.literal('imported'),
    ...closed,
    ...counted,
    importingAt: z.string().optional(),
    importedAt: z.string(),
    /** The engine's own count. 0 for a file that had nothing to import. */
    importedRows: z.int(),
  }),
  fileBase.extend({
    state: z.literal('discarding'),
    ...closed,
    ...counted,
    importingAt: z.string(),
    checksum: z.string(),
    quarantine: quarantineSchema,
    discardingAt: z.string(),
  }),
  fileBase.extend({
    state: z.literal('discarded'),
    ...closed,
    ...counted,
    importingAt: z.string(),
    /** Why the engine had refused the file. */
    quarantine: quarantineSchema,
    discardingAt: z.string(),
    discardedAt: z.string(),
  }),
]);
export type File = z.infer<typeof fileSchema>;
export type FileState = File['state'];
/** A file whose rows are where they will be: nothing of it is needed any more. */
export type FinishedFile = File & { readonly state: 'imported' | 'discarded' };
export const isFinished = (file: File | undefined): file is FinishedFile => file?.state === 'imported' || file?.state === 'discarded';
/** While a discard is not ended, its rows count as quarantined: they may still turn out to be imported. */
export const quarantineOf = (file: File): z.infer<typeof quarantineSchema> | undefined =>
  file.state === 'importing' || file.state === 'discarding' ? file.quarantine : undefined;
export const finishedAt = (file: FinishedFile): string => (file.state === 'imported' ? file.importedAt : file.discardedAt);

/** Sums over the slices. */
interface FileCounts {
  readonly figures: z.infer<typeof figuresSchema>;
  readonly acceptedRows?: number | undefined;
  readonly sentRows?: number | undefined;
}

export type FileEvent =
  | { readonly type: 'close'; readonly at: string }
  | ({ readonly type: 'slicesUploaded'; readonly at: string; readonly checksum: string } & FileCounts)
  | ({ readonly type: 'allEmpty'; readonly at: string } & FileCounts)
  | { readonly type: 'imported'; readonly at: string; readonly rows: number }
  | { readonly type: 'failed'; readonly retry: z.infer<typeof retrySchema> }
  | { readonly type: 'quarantine'; readonly at: string; readonly reason: string }
  | { readonly type: 'retry' }
  | { readonly type: 'discard'; readonly at: string }
  | { readonly type: 'discarded'; readonly at: string };

const countsOf = ({ figures, acceptedRows, sentRows }: FileCounts): FileCounts => ({ figures, acceptedRows, sentRows });

/** The file after the event, or undefined where the state does not know the event. */
export function transitionFile(file: File, event: FileEvent): File | undefined {
  const { retry: _, ...rest } = file;
  switch (event.type) {
    case 'close':
      return rest.state === 'writing' ? { ...rest, state: 'closing', closingAt: event.at } : undefined;
    case 'slicesUploaded':
      return rest.state === 'closing'
        ? { ...rest, state: 'importing', importingAt: event.at, ...countsOf(event), checksum: event.checksum }
        : undefined;
    case 'allEmpty':
      return rest.state === 'closing'
        ? { ...rest, state: 'imported', importedAt: event.at, ...countsOf(event), importedRows: 0 }
        : undefined;
    case 'imported': {
      if (rest.state !== 'importing' && rest.state !== 'discarding') return undefined;
      const { quarantine: _gone, checksum: _checksum, ...kept } = rest;
      if (kept.state === 'importing') return { ...kept, state: 'imported', importedAt: event.at, importedRows: event.rows };
      const { discardingAt: _discarding, ...before } = kept;
      return { ...before, state: 'imported', importedAt: event.at, importedRows: event.rows };
    }
    case 'failed':
      return isFinished(file) ? undefined : { ...file, retry: event.retry };
    case 'quarantine':
      return file.state === 'importing' ? { ...file, quarantine: { at: event.at, reason: event.reason } } : undefined;
    case 'retry': {
      if (rest.state !== 'importing' || !rest.quarantine) return undefined;
      const { quarantine: _ended, ...released } = rest;
      return released;
    }
    case 'discard':
      return rest.state === 'importing' && rest.quarantine
        ? { ...rest, quarantine: rest.quarantine, state: 'discarding', discardingAt: event.at }
        : undefined;
    case 'discarded': {
      if (rest.state !== 'discarding') return undefined;
      const { checksum: _checksum, ...kept } = rest;
      return { ...kept, state: 'discarded', discardedAt: event.at };
    }
  }
}
