import { z } from 'zod';

/** Which engine holds the metadata, and its own settings. */
export const metadataConfigSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sqlite'),
    /** Path of the database file; its folder must exist. */
    file: z.string().min(1),
  }),
]);

export type MetadataConfig = z.infer<typeof metadataConfigSchema>;
