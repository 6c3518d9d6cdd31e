import { z } from 'zod';
import { earliest, latest, type PartSummary } from '../part/part-summary.ts';

/** Counts of rows and bytes, always taken from block headers (I4). */
export const figuresSchema = z.object({
  /** Rows that are good, and that the import has to deliver. */
  goodRows: z.int().min(0),
  /** Rows that the disk destroyed. */
  damagedRows: z.int().min(0),
  compressedBytes: z.int().min(0),
  rawBytes: z.int().min(0),
  /** Milliseconds since the epoch; absent without rows. */
  firstAt: z.number().optional(),
  lastAt: z.number().optional(),
});
export type Figures = z.infer<typeof figuresSchema>;

/** Figures of a sink's files whose records are gone: `goodRows` were imported. */
export const sinkSumSchema = figuresSchema.extend({ discardedRows: z.int().min(0).optional() });
export type SinkSum = z.infer<typeof sinkSumSchema>;

export const zeroFigures: Figures = { goodRows: 0, damagedRows: 0, compressedBytes: 0, rawBytes: 0 };

export const figuresOf = (summary: PartSummary): Figures => ({
  goodRows: summary.goodRows,
  damagedRows: summary.damagedRows,
  compressedBytes: summary.goodBytes,
  rawBytes: summary.rawBytes,
  ...times(summary.firstAt, summary.lastAt),
});

export const addFigures = (a: Figures, b: Figures): Figures => ({
  goodRows: a.goodRows + b.goodRows,
  damagedRows: a.damagedRows + b.damagedRows,
  compressedBytes: a.compressedBytes + b.compressedBytes,
  rawBytes: a.rawBytes + b.rawBytes,
  ...times(earliest(a.firstAt, b.firstAt), latest(a.lastAt, b.lastAt)),
});

export const sumFigures = (all: Iterable<Figures>): Figures => [...all].reduce(addFigures, zeroFigures);

function times(firstAt: number | undefined, lastAt: number | undefined): Pick<Figures, 'firstAt' | 'lastAt'> {
  return { ...(firstAt !== undefined && { firstAt }), ...(lastAt !== undefined && { lastAt }) };
}
