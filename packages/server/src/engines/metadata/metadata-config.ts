import { z } from 'zod';

/** Which engine holds the metadata, and its own settings. */
export const metadataConfigSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sqlite'),
    /** Path of the database file; its folder must exist. */
    file: z.string().min(1),
    /** Revisions that a watch can go back at least before it must list again. */
    historyRevisions: z.int().min(10).default(10_000),
  }),
]);

export type MetadataConfig = z.input<typeof metadataConfigSchema>;
