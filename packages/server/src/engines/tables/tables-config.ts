import { z } from 'zod';

/** Which engine holds the tables, and its own settings. */
export const tablesConfigSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('duckdb'),
    /** Folder of the project files `<project>.duckdb`; created where missing, its parent must exist. */
    folder: z.string().min(1),
    /** Memory of one project's database, in megabytes. */
    memoryLimitMb: z.int().min(64).default(64),
  }),
]);

export type TablesConfig = z.input<typeof tablesConfigSchema>;
