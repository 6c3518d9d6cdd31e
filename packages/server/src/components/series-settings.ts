import { z } from 'zod';
import type { SeriesConfig } from '../engines/series/series-config.ts';
import { byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';
import { count } from './setting-forms.ts';

const megabyte = 1024 * 1024;

/** Settings of the store of one route. */
const storeSettings = () =>
  z
    .object({
      engine: z
        .enum(['embedded', 'postgres', 'influx'])
        .default('embedded')
        .describe('Where the events of the route are stored: in the data folder, in PostgreSQL or TimescaleDB, or in InfluxDB.'),
      timeout: durationSetting('30s', { min: '10ms', max: '10m' }).describe('Time for one call to the store; then it is tried again.'),
      embedded: z.object({
        memoryLimit: byteSizeSetting('64MB', { min: '64MB', max: '64GB' }).describe('Memory of the embedded database.'),
      }),
      postgres: z.object({
        host: z.string().min(1).default('127.0.0.1').describe('Host of PostgreSQL.'),
        port: count(5432, { min: 1, max: 65_535 }).describe('Its port.'),
        user: z.string().min(1).default('postgres').describe('User of the login.'),
        password: z.string().default('').meta({ secret: true }).describe('Password of the login.'),
        database: z.string().min(1).default('postgres').describe('Database; the tables are made where they are missing.'),
        table: z.string().min(1).max(50).default('events').describe('Table of the events; those beside it are named after it.'),
        tls: z
          .enum(['off', 'require', 'verify'])
          .default('off')
          .describe('require: encrypted, whoever answers. verify: the certificate is checked.'),
        caFile: z
          .string()
          .default('')
          .meta({ form: 'path' })
          .describe("PEM file of authorities that are trusted in the place of the system's."),
        timescale: z
          .enum(['auto', 'on', 'off'])
          .default('auto')
          .describe('auto: a hypertable where TimescaleDB is there. on: an error where it is not.'),
        maxConnections: count(4, { min: 1, max: 100 }).describe('Connections to PostgreSQL.'),
      }),
      influx: z.object({
        url: z
          .url({ protocol: /^https?$/ })
          .default('http://127.0.0.1:8086')
          .meta({ form: 'URL' })
          .describe('Base URL of InfluxDB.'),
        api: z.enum(['v1', 'v2']).default('v2').describe('v1: InfluxDB 1.x. v2: InfluxDB 2.x.'),
        token: z.string().default('').meta({ secret: true }).describe('Token; of 1.x user:password.'),
        org: z.string().default('').describe('Organization, of 2.x.'),
        bucket: z.string().default('').describe('Bucket; of 1.x the database.'),
        measurement: z
          .string()
          .regex(/^[A-Za-z0-9_.-]{1,100}$/)
          .default('event')
          .describe('Measurement of the events.'),
        amountType: z
          .enum(['string', 'float'])
          .default('string')
          .describe('Field amount: its text, with the number in the field value, or the number.'),
        tags: z
          .enum(['on', 'off'])
          .default('on')
          .describe('Tags that keep points apart. off: none, for a topic of one partition that never has more than a million events.'),
      }),
    })
    .refine(({ engine, influx }) => engine !== 'influx' || influx.bucket !== '', {
      message: 'InfluxDB needs a bucket; of 1.x the database.',
      path: ['influx', 'bucket'],
    });

export const seriesSettings = z
  .object({ high: storeSettings(), low: storeSettings() })
  .refine(({ high, low }) => !sharesTable(high, low), {
    message: 'The routes high and low must not share a table: a series is of one route. Name another table or database.',
    path: ['low', 'postgres', 'table'],
  })
  .refine(({ high, low }) => !sharesMeasurement(high, low), {
    message: 'The routes high and low must not share a measurement: a series is of one route. Name another measurement or bucket.',
    path: ['low', 'influx', 'measurement'],
  });

/** The routes whose points have no tags to keep several partitions apart. */
export const routesWithoutTags = (series: z.output<typeof seriesSettings>): readonly ('high' | 'low')[] =>
  (['high', 'low'] as const).filter((route) => series[route].engine === 'influx' && series[route].influx.tags === 'off');

type StoreSettings = z.output<ReturnType<typeof storeSettings>>;

function sharesTable({ engine, postgres: one }: StoreSettings, { engine: otherEngine, postgres: other }: StoreSettings): boolean {
  if (engine !== 'postgres' || otherEngine !== 'postgres') return false;
  return one.host === other.host && one.port === other.port && one.database === other.database && one.table === other.table;
}

function sharesMeasurement({ engine, influx: one }: StoreSettings, { engine: otherEngine, influx: other }: StoreSettings): boolean {
  if (engine !== 'influx' || otherEngine !== 'influx') return false;
  return one.url === other.url && one.org === other.org && one.bucket === other.bucket && one.measurement === other.measurement;
}

/** What `openSeriesStore` takes. `folder` is that of the embedded store. */
export function seriesConfigOf(
  { engine, timeout, embedded, postgres, influx }: StoreSettings,
  { folder, series }: { readonly folder: string; readonly series: string },
): SeriesConfig {
  switch (engine) {
    case 'embedded':
      return { kind: 'duckdb', folder, series, memoryLimitMb: Math.floor(embedded.memoryLimit / megabyte), timeoutMs: timeout };
    case 'postgres':
      return { kind: 'postgres', ...postgres, timeoutMs: timeout };
    case 'influx':
      return { kind: 'influx', ...influx, timeoutMs: timeout };
  }
}
