import { z } from 'zod';

const megabyte = 1024 * 1024;
const hourMs = 3_600_000;

const sqliteSchema = z.strictObject({
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
});

const saslSchema = z
  .strictObject({
    mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
    username: z.string().min(1),
    /** One of the two. The file may end in a line break; it is read when the log is opened. */
    password: z.string().min(1).optional(),
    passwordFile: z.string().min(1).optional(),
  })
  .refine(({ password, passwordFile }) => (password === undefined) !== (passwordFile === undefined), {
    message: 'give either the password or a file that holds it',
  });

const kafkaSchema = z.strictObject({
  kind: z.literal('kafka'),
  /** `host:port` each; one that answers is enough. */
  brokers: z.array(z.string().min(1)).min(1),
  clientId: z.string().min(1).default('sluice'),
  /** A consumer that is not heard of for this time loses its partitions. The cluster bounds it (group.min.session.timeout.ms). */
  sessionTimeoutMs: z.int().min(500).default(10_000),
  /** Records are tried again for this time before their append fails. */
  deliveryTimeoutMs: z.int().min(1000).default(20_000),
  /** Of topics that are created here; -1: the cluster's default. */
  replicas: z
    .int()
    .min(-1)
    .max(32_767)
    .refine((count) => count !== 0, { message: 'must be -1 or at least 1' })
    .default(-1),
  sasl: saslSchema.optional(),
  tls: z
    .strictObject({
      /** PEM file of the authorities that are trusted instead of the system's. */
      caFile: z.string().min(1).optional(),
    })
    .optional(),
});

/** The embedded log of another process, at the engine socket of its folder. */
const socketSchema = z.strictObject({
  kind: z.literal('socket'),
  /** Of the socket. */
  path: z.string().min(1),
  token: z.string().min(1),
  /** For so long the other process is looked for when it does not answer; then the engine is gone for good. */
  retryMs: z.int().min(0).default(30_000),
});

/** Which engine holds the log, and its own settings. */
export const logConfigSchema = z.discriminatedUnion('kind', [sqliteSchema, kafkaSchema, socketSchema]);

export type LogConfig = z.input<typeof logConfigSchema>;
