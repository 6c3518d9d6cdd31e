import { z } from 'zod';
import { credentialHeaders } from '../features/mapping/headers-json.ts';
import { addressSetting, byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';
import { logLevels } from '../kernel/observe/pino-logger.ts';
import { channelSourceSettings } from './channel-source-settings.ts';
import { channelViewerSettings } from './channel-viewer-settings.ts';
import { channelsSettings } from './channels-settings.ts';
import { engineSettings } from './engine-settings.ts';
import { eventsSettings } from './events-settings.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { logSettings } from './log-settings.ts';
import { routesWithoutTags, seriesSettings } from './series-settings.ts';
import { count, tlsFiles } from './setting-forms.ts';

function isWebUrl(text: string): boolean {
  const { protocol, username, search, hash } = URL.parse(text) ?? { protocol: '' };
  return ['http:', 'https:'].includes(protocol) && !username && !search && !hash;
}

const settings = z.object({
  dataDir: z
    .string()
    .min(1)
    .default('data')
    .describe('Folder of everything that this process keeps: metadata, volumes, staged objects, tables.'),
  readyLine: z.boolean().default(false).describe('Print one JSON line with the URLs on standard output once everything is ready.'),
  portBase: z
    .int()
    .min(0)
    .max(65_000)
    .default(0)
    .describe('Give the listeners this port and the next ones instead of their own. 0: their own.'),
  log: z.object({
    level: z.enum(logLevels).default('info').describe('Least severe log lines that are written, as JSON on standard error.'),
  }),
  shutdownTimeout: durationSetting('30s', { min: '1s', max: '10m' }).describe('Time for a graceful stop before what is left is cut off.'),
  operations: z.object({
    listen: addressSetting('0.0.0.0:9000').describe('Operations port: /readyz, /metrics and the health paths.'),
  }),
  accounts: z
    .object({
      verifier: z
        .enum(['local', 'keboola'])
        .default('local')
        .describe('Who knows the tokens: this service itself, or the Storage API of a Keboola stack.'),
      keboola: z.object({
        url: z.string().default('').describe('Base URL of that Storage API, as https://connection.keboola.com. Tokens are sent there.'),
      }),
    })
    .refine(({ verifier, keboola }) => verifier === 'local' || isWebUrl(keboola.url), {
      message: 'The verifier keboola needs the URL of the Storage API, as https://connection.keboola.com.',
      path: ['keboola', 'url'],
    }),
  api: z.object({
    listen: addressSetting('0.0.0.0:8000').describe('Configuration API.'),
    tls: tlsFiles(),
    publicUrl: z.string().default('').describe('Base of the URLs in API answers. Empty: made from the listen address.'),
  }),
  source: z.object({
    http: z.object({
      listen: addressSetting('0.0.0.0:7000').describe('HTTP source: where events are posted.'),
      tls: tlsFiles(),
      publicUrl: z.string().default('').describe("Base of the sources' URLs in API answers. Empty: made from the listen address."),
      requestTimeout: durationSetting('30s', { min: '1s', max: '60s' }).describe('A request must have arrived whole within this time.'),
      headerTimeout: durationSetting('10s', { min: '1s', max: '60s' }).describe(
        'The headers of a request must have arrived within this time.',
      ),
      idleTimeout: durationSetting('30s', { min: '1s', max: '60s' }).describe('A connection without a request is closed after this time.'),
      maxConnections: count(200_000, { min: 100, max: 1_000_000 }).describe('Open connections; further ones are closed.'),
      maxHeaderSize: byteSizeSetting('16KB', { min: '1KB', max: '1MB' }).describe('Request line and headers; more is answered with 431.'),
      maxRequestBodySize: byteSizeSetting('1MB', { min: '100B', max: '4MB' }).describe('Body of a request; more is answered with 413.'),
      maxBufferedBodies: byteSizeSetting('256MB', { min: '8MB', max: '16GB' }).describe(
        'Request bodies in memory together; more is answered with 503.',
      ),
      hiddenHeaders: z
        .array(z.string())
        .default([...credentialHeaders])
        .describe('Headers that no headers column shows, in ingest and preview.'),
      trustedProxies: z.array(z.string()).default([]).describe('Addresses or ranges whose X-Forwarded-For and X-Real-Ip count.'),
    }),
    queue: z.object({
      maxBytes: byteSizeSetting('128MB', { min: '8MB', max: '16GB' }).describe(
        'Rows and records that wait for their sync; more is answered with 503.',
      ),
      maxRows: count(200_000, { min: 1000, max: 10_000_000 }).describe('Rows that wait for their sync; more is answered with 503.'),
    }),
  }),
  storage: z.object({
    disk: z.object({
      reserve: z.object({
        percent: z
          .number()
          .min(0)
          .max(90)
          .default(2)
          .describe('Free space of a volume, in percent of its size, under which rows are answered with 503. 0: no reserve.'),
        min: byteSizeSetting('256MB', { max: '1TB' }).describe('Least reserve of a volume.'),
        max: byteSizeSetting('2GB', { max: '1TB' }).describe('Largest reserve of a volume.'),
      }),
      ballast: byteSizeSetting('64MB', { max: '1GB' }).describe(
        'File of each volume, at most a 16th of it, that is deleted when the disk is full, for what is stored already. 0: none.',
      ),
    }),
    retention: z.object({
      data: durationSetting('10m', { min: '0s', max: '720h' }).describe(
        'Local parts of an imported file go after this time; at once while their volume is under its reserve.',
      ),
      record: durationSetting('1h', { min: '0s', max: '720h' }).describe(
        'Staged objects, ledger row and record of an imported file go after this time; at once while its volume is under its reserve.',
      ),
      unknown: durationSetting('1h', { min: '0s', max: '720h' }).describe(
        'Slice folders that metadata does not know are moved to lost+found once unchanged for this time.',
      ),
    }),
    upload: z.object({
      reencode: z
        .boolean()
        .default(false)
        .describe('Encode slices of small blocks (under 4 KB on average) anew on upload: smaller objects for CPU time.'),
    }),
    statistics: z.object({
      syncInterval: durationSetting('1s', { min: '20ms', max: '5s' }).describe(
        'How often figures of open slices are published, where they changed.',
      ),
    }),
    level: z.object({
      local: z.object({
        encoding: z.object({
          rowSizeLimit: byteSizeSetting('1536KB', { min: '1KB', max: '2MB' }).describe('One CSV row; more is answered with 413.'),
          compression: z.object({
            type: z
              .enum(['gzip', 'zstd', 'none'])
              .default('gzip')
              .describe(
                'Of part files and staged objects. none: gzip files that are not compressed. Holds for slices opened from then on.',
              ),
            gzip: z.object({ level: count(1, { min: 1, max: 9 }).describe('1: fastest, 9: smallest.') }),
            zstd: z.object({ level: count(1, { min: 1, max: 9 }).describe('1: fastest, 9: smallest.') }),
          }),
          sync: z.object({
            mode: z
              .enum(['disk', 'cache'])
              .default('disk')
              .describe('A row counts as stored once it is synced to the disk, or once the operating system has it (cache).'),
            wait: z.boolean().default(true).describe('Answer once the row is stored (200), not once it is taken into memory (202).'),
          }),
        }),
      }),
      staging: z.object({
        upload: z.object({
          minInterval: durationSetting('10s', { min: '0s', max: '30m' }).describe('Least age of a slice before any trigger rotates it.'),
          trigger: z.object({
            count: count(10_000, { min: 1, max: 10_000_000 }).describe('Rows of a slice that rotate it.'),
            size: byteSizeSetting('5MB', { min: '100B', max: '50MB' }).describe('Compressed bytes of a slice that rotate it.'),
            interval: durationSetting('30s', { min: '10ms', max: '30m' }).describe('Age of a slice with rows that rotates it.'),
          }),
        }),
      }),
      target: z.object({
        import: z.object({
          minInterval: durationSetting('1m', { min: '0s', max: '24h' }).describe(
            'Least age of a file before any trigger but maxSlices rotates it.',
          ),
          maxSlices: count(100, { min: 50, max: 149 }).describe('Slices of a file that rotate it, whatever its age.'),
          trigger: z.object({
            count: count(50_000, { min: 1, max: 10_000_000 }).describe('Rows of a file that rotate it.'),
            size: byteSizeSetting('50MB', { min: '100B', max: '500MB' }).describe('Compressed bytes of a file that rotate it.'),
            interval: durationSetting('1m', { min: '10ms', max: '24h' }).describe('Age of a file with rows that rotates it.'),
            slicesCount: count(100, { min: 1, max: 200 }).describe('Slices of a file that rotate it.'),
          }),
        }),
      }),
    }),
  }),
  engine: engineSettings,
  eventLog: logSettings,
  kafka: kafkaSettings,
  channelViewer: channelViewerSettings,
  events: eventsSettings,
  series: seriesSettings,
  channelSource: channelSourceSettings,
  channels: channelsSettings,
});

/** Every setting of the service. Defaults are those of the original service where it has the setting. */
export const configSchema = settings.superRefine(({ events, series }, context) => {
  if (events.partitions === 1) return;
  const message = 'Points without tags take a topic of one partition: set it to on, or events.partitions to 1.';
  for (const route of routesWithoutTags(series)) context.addIssue({ code: 'custom', message, path: ['series', route, 'influx', 'tags'] });
});

export type Config = z.output<typeof configSchema>;
