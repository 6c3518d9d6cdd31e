import { z } from 'zod';

/** Which engine holds the staged objects, and its own settings. */
export const objectsConfigSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('local'),
    /** Folder of the objects; created where missing, its parent must exist. */
    folder: z.string().min(1),
  }),
]);

export type ObjectsConfig = z.infer<typeof objectsConfigSchema>;
