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
  z.strictObject({
    kind: z.literal('postgres'),
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).default(5432),
    user: z.string().min(1),
    password: z.string(),
    database: z.string().min(1),
    /** `require`: encrypted, whoever answers. `verify`: the certificate must be of the host and of a known authority. */
    tls: z.enum(['off', 'require', 'verify']).default('off'),
    /** PEM file of the authorities for `verify`; empty: those that Node knows. */
    caFile: z.string().default(''),
    /** Of the points, without a schema; the tables of progress and repeats are named after it. */
    table: z.string().min(1).max(50).default('events'),
    /** `auto`: a hypertable where the extension is there and can be used. `on`: an error where not. */
    timescale: z.enum(['auto', 'on', 'off']).default('auto'),
    maxConnections: z.int().min(1).max(100).default(4),
    timeoutMs,
  }),
  z.strictObject({
    kind: z.literal('influx'),
    url: z.url({ protocol: /^https?$/ }),
    /** `v1`: /write and InfluxQL. `v2`: /api/v2 and Flux. */
    api: z.enum(['v1', 'v2']).default('v2'),
    /** Of 1.x: `user:password`. Empty: no header. */
    token: z.string().default(''),
    org: z.string().default(''),
    /** Of 1.x: the database, or database and retention policy with a `/` between them. */
    bucket: z.string().min(1),
    measurement: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,100}$/)
      .default('event'),
    /** Of the field `amount`: its text and the field `value` beside it, or a number alone. */
    amountType: z.enum(['string', 'float']).default('string'),
    /** `off`: points without tags, which takes one partition and offsets under a million. */
    tags: z.enum(['on', 'off']).default('on'),
    timeoutMs,
  }),
]);

export type SeriesConfig = z.input<typeof seriesConfigSchema>;
