import { z } from 'zod';

/** Time limit of every call, milliseconds. */
const timeoutMs = z.int().min(1).max(600_000).default(30_000);

/** Which engine holds a series, and its own settings. */
export const seriesConfigSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('duckdb'),
    /** Folder of the file `<series>.duckdb`; created where missing. One process has the file open, once. */
    folder: z.string().min(1),
    series: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/),
    /** Memory of the database, in megabytes. */
    memoryLimitMb: z.int().min(64).default(64),
    timeoutMs,
  }),
]);

export type SeriesConfig = z.input<typeof seriesConfigSchema>;
