import { z } from 'zod';

/** What one connection of a viewer with `frame=v1` was shown, from its hello to its end. */
const connectionSchema = z.object({
  /** What it asked for; empty: what comes from now on. */
  asked: z.string(),
  /** Number of the hello; -1: none came. */
  hello: z.number(),
  gaps: z.array(z.object({ from: z.number(), to: z.number() })),
  /** Kinds of the frames as they came, each run of data as one. */
  kinds: z.array(z.string()),
  packets: z.number(),
  /** Of data; -1: none came. */
  first: z.number(),
  last: z.number(),
  /** Payloads that are not those of their number. */
  wrong: z.number(),
});
export type KeptConnection = z.infer<typeof connectionSchema>;

export const viewerSchema = z.object({
  user: z.string(),
  /** Frames that came where they must not, over all connections. */
  disorder: z.number(),
  connections: z.array(connectionSchema),
});
export type KeptViewer = z.infer<typeof viewerSchema>;
