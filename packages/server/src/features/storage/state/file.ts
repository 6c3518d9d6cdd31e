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
 *           ^----------stageAgain--------- importing, refused
 *                                 importing, in quarantine --discard--> discarding --discarded--> discarded
 *                                                                          '--imported--> imported
 * ```
 * `failed` keeps the state and notes the next attempt. What the table engine refuses for good is marked `refused` the first time:
 * it is not imported any more, but staged again from its local parts, and imported under another ledger id. So is, up to
 * `maxDamagedStagings` times, what the disk changed after its upload. Refused after that it is in `quarantine`, out of further attempts until an operator says `retry`, which marks it as refused anew, or `discard`.
 * A file that is `discarding` is never imported again, but an importer that had begun before may have been faster: then the ledger
 * says so, and the file is `imported`. Events that follow from a look at the file name the staging that they saw, so that a
 * late one does not meet the next.
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

const reasonSchema = z.object({ at: z.string(), reason: z.string() });

const fileBase = z.object({
  sink: sinkRefSchema,
  /** UTC text; part of the key. */
  openedAt: z.string(),
  sinkVersion: z.int(),
  /** `<stage>.<bucket>.<table>` and the CSV fields of every slice. */
  tableId: z.string(),
  columns: z.array(z.string()).min(1),
  settings: fileSettingsSchema,
  /** Random; the first id in the ledger, and the beginning of those of later stagings (ledger-id.ts). */
  importId: z.string(),
  /** How often the file was staged again, when the last time, and what the table engine had said. */
  restaged: reasonSchema.extend({ count: z.int().min(1) }).optional(),
  retry: retrySchema.optional(),
});

const closed = { closingAt: z.string() };
const counted = { figures: figuresSchema, ...rowCounts };

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
    /** To be staged again; never together with `quarantine`. */
    refused: reasonSchema.optional(),
    quarantine: reasonSchema.optional(),
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
    quarantine: reasonSchema,
    discardingAt: z.string(),
  }),
  fileBase.extend({
    state: z.literal('discarded'),
    ...closed,
    ...counted,
    importingAt: z.string(),
    /** Why the engine had refused the file. */
    quarantine: reasonSchema,
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
export const quarantineOf = (file: File): z.infer<typeof reasonSchema> | undefined =>
  file.state === 'importing' || file.state === 'discarding' ? file.quarantine : undefined;
/** What the table engine said of the staging before, or of the one that ends now. */
export const refusalOf = (file: File): z.infer<typeof reasonSchema> | undefined =>
  (file.state === 'importing' ? file.refused : undefined) ?? file.restaged;
/** A disk that changes a file more often is no place for it. */
const maxDamagedStagings = 10;
/** Counts the stagings of the file, from 0. */
export const stagingOf = (file: File): number => file.restaged?.count ?? 0;
export const finishedAt = (file: FinishedFile): string => (file.state === 'imported' ? file.importedAt : file.discardedAt);

/** Sums over the slices. */
interface FileCounts {
  readonly figures: z.infer<typeof figuresSchema>;
  readonly acceptedRows?: number | undefined;
  readonly sentRows?: number | undefined;
}

export type FileEvent =
  | { readonly type: 'close'; readonly at: string }
  | ({ readonly type: 'slicesUploaded'; readonly at: string; readonly staging: number; readonly checksum: string } & FileCounts)
  | ({ readonly type: 'allEmpty'; readonly at: string; readonly staging: number } & FileCounts)
  | { readonly type: 'imported'; readonly at: string; readonly rows: number }
  | { readonly type: 'failed'; readonly retry: z.infer<typeof retrySchema> }
  /** Staged again, or in quarantine where it was before. */
  | {
      readonly type: 'refused';
      readonly at: string;
      readonly staging: number;
      readonly reason: string;
      /** What was staged is not what was uploaded, so another staging will be another file. */
      readonly isDamage: boolean;
    }
  | { readonly type: 'stageAgain'; readonly at: string; readonly staging: number }
  | { readonly type: 'quarantine'; readonly at: string; readonly staging: number; readonly reason: string }
  | { readonly type: 'retry'; readonly at: string }
  | { readonly type: 'discard'; readonly at: string }
  | { readonly type: 'discarded'; readonly at: string };

const countsOf = ({ figures, acceptedRows, sentRows }: FileCounts): FileCounts => ({ figures, acceptedRows, sentRows });

/** The file after the event, or undefined where the state does not know the event. */
export function transitionFile(file: File, event: FileEvent): File | undefined {
  const { retry: _, ...rest } = file;
  if ('staging' in event && event.staging !== stagingOf(file)) return undefined;
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
      if (kept.state === 'importing') {
        const { refused: _refused, ...before } = kept;
        return { ...before, state: 'imported', importedAt: event.at, importedRows: event.rows };
      }
      const { discardingAt: _discarding, ...before } = kept;
      return { ...before, state: 'imported', importedAt: event.at, importedRows: event.rows };
    }
    case 'failed':
      return isFinished(file) ? undefined : { ...file, retry: event.retry };
    case 'refused': {
      if (file.state !== 'importing' || rest.state !== 'importing' || file.quarantine || file.refused) return undefined;
      const why = { at: event.at, reason: event.reason };
      const mayStage = stagingOf(file) < (event.isDamage ? maxDamagedStagings : 1);
      return mayStage ? { ...rest, refused: why } : { ...file, quarantine: why };
    }
    case 'stageAgain': {
      if (rest.state !== 'importing' || !rest.refused) return undefined;
      const { figures: _figures, acceptedRows: _accepted, sentRows: _sent, importingAt: _at, checksum: _sum, refused, ...kept } = rest;
      return { ...kept, state: 'closing', restaged: { count: event.staging + 1, at: event.at, reason: refused.reason } };
    }
    case 'quarantine': {
      if (file.state !== 'importing') return undefined;
      const { refused: _refused, ...kept } = file;
      return { ...kept, quarantine: { at: event.at, reason: event.reason } };
    }
    case 'retry': {
      if (rest.state !== 'importing' || !rest.quarantine) return undefined;
      const { quarantine, ...released } = rest;
      return { ...released, refused: { at: event.at, reason: quarantine.reason } };
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
