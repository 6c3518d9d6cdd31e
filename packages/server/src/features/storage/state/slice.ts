import { z } from 'zod';
import { codecNames } from '../block/block-codec.ts';
import { type Figures, figuresSchema } from './figures.ts';
import { sinkRefSchema } from './file.ts';
import { retrySchema } from './retry.ts';
import { rowCounts } from './row-counts.ts';
import { syncSettingsSchema } from './sync-settings.ts';

/**
 * A slice: the parts of one file on one volume, the unit of upload.
 * ```
 * writing --close--> closing --seal--> uploading --upload--> uploaded
 *                       '---seal, nothing to upload----------^
 *                                          ^------stageAgain------'
 * ```
 * Sealing is the writer's act alone. A slice is imported when its file is: no record of its own says so.
 */
const sliceBase = z.object({
  sink: sinkRefSchema,
  volumeId: z.string(),
  /** UTC text; part of the key. */
  openedAt: z.string(),
  /** Text of the file's key. A field, so that a slice can move to another file. */
  file: z.string(),
  sinkVersion: z.int(),
  codec: z.enum(codecNames),
  /** Of its file. */
  sync: syncSettingsSchema.optional(),
  retry: retrySchema.optional(),
});

const partSchema = z.object({
  /** File name without extension (part-name.ts). */
  name: z.string(),
  /** Sealed length in bytes: what lies behind it does not exist. */
  length: z.int().min(0),
});
export type SealedPart = z.infer<typeof partSchema>;

const objectSchema = z.object({
  key: z.string(),
  bytes: z.int(),
  /** CRC-32 of the bytes as they were uploaded. */
  crc: z.int().optional(),
  /** Another name of the local part: what damages one damages the other. */
  isLinked: z.boolean().optional(),
});
export type SliceObject = z.infer<typeof objectSchema>;

const closed = { closingAt: z.string() };
const sealed = {
  uploadingAt: z.string(),
  parts: z.array(partSchema),
  figures: figuresSchema,
  acceptedRows: rowCounts.acceptedRows,
  /** Number of the file's staging that this slice has joined; absent for the first. */
  staging: z.int().min(1).optional(),
};

export const sliceSchema = z.discriminatedUnion('state', [
  sliceBase.extend({ state: z.literal('writing') }),
  sliceBase.extend({ state: z.literal('closing'), ...closed }),
  sliceBase.extend({
    state: z.literal('uploading'),
    ...closed,
    ...sealed,
    /** What the upload before sent, which the table engine refused. */
    refused: z.object({ object: objectSchema, sentRows: rowCounts.sentRows }).optional(),
  }),
  sliceBase.extend({
    state: z.literal('uploaded'),
    ...closed,
    ...sealed,
    uploadedAt: z.string(),
    /** Nothing was good in it: no object. */
    isEmpty: z.boolean(),
    sentRows: rowCounts.sentRows,
    object: objectSchema.optional(),
    /** Staged again without a new object: why the local parts could not serve. */
    keptBecause: z.string().optional(),
    /** The volume has confirmed that the local parts are gone. */
    localRemovedAt: z.string().optional(),
  }),
]);
export type Slice = z.infer<typeof sliceSchema>;
export type SliceState = Slice['state'];

export type SliceEvent =
  | { readonly type: 'close'; readonly at: string }
  | { readonly type: 'seal'; readonly at: string; readonly parts: readonly SealedPart[]; readonly figures: Figures }
  /** `figures` as the uploader counted them: damage may have come since sealing. */
  | {
      readonly type: 'upload';
      readonly at: string;
      readonly object: SliceObject | undefined;
      readonly figures: Figures;
      readonly sentRows?: number | undefined;
      /** That the uploader saw; 0 without it. */
      readonly staging?: number;
      readonly keptBecause?: string;
    }
  /** To be uploaded again, in the staging of this number. */
  | { readonly type: 'stageAgain'; readonly at: string; readonly staging: number }
  /** Joins that staging with the object that it has. */
  | { readonly type: 'keepObject'; readonly staging: number; readonly because: string }
  | { readonly type: 'localRemoved'; readonly at: string }
  | { readonly type: 'failed'; readonly retry: z.infer<typeof retrySchema> };

/** Number of the file's staging that the slice has joined. */
export const stagingOf = (slice: Slice): number => ('staging' in slice ? (slice.staging ?? 0) : 0);

/** The slice after the event, or undefined where the state does not know the event. */
export function transitionSlice(slice: Slice, event: SliceEvent): Slice | undefined {
  const { retry: _, ...rest } = slice;
  switch (event.type) {
    case 'close':
      return rest.state === 'writing' ? { ...rest, state: 'closing', closingAt: event.at } : undefined;
    case 'seal': {
      if (rest.state !== 'closing') return undefined;
      const acceptedRows = event.figures.goodRows + event.figures.damagedRows;
      const sealedFields = { uploadingAt: event.at, parts: [...event.parts], figures: event.figures, acceptedRows };
      return event.figures.goodRows > 0
        ? { ...rest, ...sealedFields, state: 'uploading' }
        : { ...rest, ...sealedFields, state: 'uploaded', uploadedAt: event.at, isEmpty: true, sentRows: 0 };
    }
    case 'upload': {
      if (rest.state !== 'uploading' || stagingOf(rest) !== (event.staging ?? 0)) return undefined;
      const { refused: _refused, ...kept } = rest;
      const { at, figures, sentRows, keptBecause } = event;
      const uploaded = { ...kept, state: 'uploaded' as const, uploadedAt: at, figures, sentRows, ...(keptBecause && { keptBecause }) };
      return event.object ? { ...uploaded, isEmpty: false, object: event.object } : { ...uploaded, isEmpty: true };
    }
    case 'stageAgain': {
      if (rest.state !== 'uploaded' || !rest.object || stagingOf(rest) >= event.staging) return undefined;
      const { object, sentRows, uploadedAt: _at, isEmpty: _isEmpty, keptBecause: _because, localRemovedAt: _removed, ...kept } = rest;
      return { ...kept, state: 'uploading', uploadingAt: event.at, staging: event.staging, refused: { object, sentRows } };
    }
    case 'keepObject':
      return rest.state === 'uploaded' && rest.object && stagingOf(rest) < event.staging
        ? { ...rest, staging: event.staging, keptBecause: event.because }
        : undefined;
    case 'localRemoved':
      return slice.state === 'uploaded' ? { ...slice, localRemovedAt: event.at } : undefined;
    case 'failed':
      return slice.state === 'uploaded' ? undefined : { ...slice, retry: event.retry };
  }
}
