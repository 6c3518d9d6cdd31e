import { z } from 'zod';

/** Where an engine of another process is found. */
export const linkConfigSchema = z.strictObject({
  kind: z.literal('socket'),
  /** Of the engine socket in the folder of that process. */
  path: z.string().min(1),
  token: z.string().min(1),
  /** For so long the other process is looked for when it does not answer; then the engine is gone for good. */
  retryMs: z.int().min(0).default(30_000),
});

export type LinkConfig = z.input<typeof linkConfigSchema>;
