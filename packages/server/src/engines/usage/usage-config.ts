import { z } from 'zod';

/** Time limit of every call, milliseconds. */
const timeoutMs = z.int().min(1).max(600_000).default(10_000);

/** How long ranges and the packet log are kept, milliseconds. Totals are kept for good. 0: for good. */
const retention = { rangesMs: z.int().min(0).default(0), packetsMs: z.int().min(0).default(0) };

/** Which engine holds usage, and its own settings. */
export const usageConfigSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sqlite'),
    /** Made where it is missing, with the first call; its folder must exist. One process has the file open, once. */
    file: z.string().min(1),
    ...retention,
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('cassandra'),
    /** `host:port`, or `host` for port 9042. */
    nodes: z.array(z.string().min(1)).min(1),
    /** Of the nodes that are asked. */
    dataCenter: z.string().min(1).default('datacenter1'),
    /** Empty: no login. */
    user: z.string().default(''),
    password: z.string().default(''),
    keyspace: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,47}$/)
      .default('streaming_service'),
    /** Of the keyspace, where it is missing. */
    replicas: z.int().min(1).max(10).default(1),
    consistency: z.enum(['one', 'localOne', 'quorum', 'localQuorum']).default('quorum'),
    ...retention,
    timeoutMs,
  }),
]);

export type UsageConfig = z.input<typeof usageConfigSchema>;
