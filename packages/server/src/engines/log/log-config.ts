import { z } from 'zod';

const megabyte = 1024 * 1024;
const hourMs = 3_600_000;

/** Which engine holds the log, and its own settings. */
export const logConfigSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sqlite'),
    /** Made where it is missing. */
    folder: z.string().min(1),
    segmentBytes: z
      .int()
      .min(4096)
      .default(64 * megabyte),
    segmentMs: z.int().min(1).default(hourMs),
    /** Records that every known group has read go after this time. */
    retentionMs: z
      .int()
      .min(0)
      .default(7 * 24 * hourMs),
    /** Of a topic; over it the oldest segments go, whoever still needs them. */
    maxTopicBytes: z
      .int()
      .min(4096)
      .default(10 * 1024 * megabyte),
  }),
]);

export type LogConfig = z.input<typeof logConfigSchema>;
