import { z } from 'zod';
import { type Figures, figuresSchema } from './figures.ts';

/**
 * Counts of the same rows that do not come from each other: of the writer at sealing, of the uploader while it sent,
 * of the table engine in its import. Records of earlier releases lack them; the figures then stand for them.
 */
export const rowCounts = {
  /** Good and damaged rows as the writer sealed them. */
  acceptedRows: z.int().min(0).optional(),
  /** Rows of what the uploader sent. */
  sentRows: z.int().min(0).optional(),
} as const;

/** What is left of a sink's files whose records are cleaned up. */
export const sinkSumSchema = figuresSchema.extend({
  ...rowCounts,
  /** The engine's own count. */
  importedRows: z.int().min(0).optional(),
  /** Given up by an operator; `goodRows` were imported. */
  discardedRows: z.int().min(0).optional(),
});
export type SinkSum = z.infer<typeof sinkSumSchema>;

interface Counted {
  readonly figures: Figures;
  readonly acceptedRows?: number | undefined;
  readonly sentRows?: number | undefined;
}

export const acceptedRowsOf = ({ figures, acceptedRows }: Counted): number => acceptedRows ?? figures.goodRows + figures.damagedRows;
export const sentRowsOf = ({ figures, sentRows }: Counted): number => sentRows ?? figures.goodRows;
