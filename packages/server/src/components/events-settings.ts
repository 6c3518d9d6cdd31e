import { z } from 'zod';
import { distributions } from '../features/events/distributions.ts';
import { addressSetting, byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';
import { count, tlsFiles } from './setting-forms.ts';

const disable = (what: string) => z.boolean().default(false).describe(`Park the component: ${what}`);

/** Settings of the events lane. Defaults are those of the original services where they have the setting. */
export const eventsSettings = z.object({
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/, 'must be 1 to 200 of A-Z a-z 0-9 . _ -')
    .default('events')
    .describe('Topic of the log that events are kept in. Its name is the begin of the names of the topics beside it.'),
  partitions: count(1, { min: 1, max: 1000 }).describe('Partitions of the topic where it is made; an existing one stays as it is.'),
  api: z.object({
    listen: addressSetting('127.0.0.1:9998').describe('Events API: where events are posted. It asks for no token.'),
    tls: tlsFiles(),
    disable: disable('requests are answered, and nothing is done.'),
    maxBodySize: byteSizeSetting('32MB', { min: '100B', max: '256MB' }).describe('Body of a request; more is answered with 413.'),
    maxEvents: count(500_000, { min: 1, max: 5_000_000 }).describe('Events of a request; more are answered with 413.'),
    maxBuffered: byteSizeSetting('256MB', { min: '8MB', max: '16GB' }).describe(
      'Events in memory together that wait for the log; more is answered with 503.',
    ),
    onInvalid: z
      .enum(['reject', 'skip'])
      .default('reject')
      .describe('What becomes of a request with events that are not valid: nothing of it is taken, or all but these.'),
    amountEncoding: z
      .enum(['string', 'number'])
      .default('string')
      .describe('How amounts are written to the log. Readers in Go take texts only.'),
    textPassthrough: z.boolean().default(false).describe('Take text lines as they are, valid or not.'),
    compatStatus: z.boolean().default(false).describe('Answer a content type that is not taken with 400, not with 415.'),
    maxFutureSkew: durationSetting('24h', { min: '0s', max: '87600h' }).describe(
      'How far the time of an event may lie ahead of its arrival.',
    ),
    appendTimeout: durationSetting('30s', { min: '100ms', max: '10m' }).describe('Time for the log; then a request is answered with 504.'),
    requestTimeout: durationSetting('60s', { min: '1s', max: '60s' }).describe('A request must have arrived whole within this time.'),
    idleTimeout: durationSetting('30s', { min: '1s', max: '60s' }).describe('A connection without a request is closed after this time.'),
    maxConnections: count(10_000, { min: 1, max: 1_000_000 }).describe('Open connections; further ones are closed.'),
  }),
  producer: z
    .object({
      url: z
        .url({ protocol: /^https?$/ })
        .default('http://127.0.0.1:9998/')
        .meta({ form: 'URL' })
        .describe('Where events are posted.'),
      plainText: z.boolean().default(false).describe('Post text lines, not a JSON array.'),
      disable: disable('events are made and dropped.'),
      rate: z.number().min(0.001).max(1_000_000).default(1).describe('Events per second.'),
      batchInterval: durationSetting('2s', { min: '10ms', max: '1h' }).describe('How often events are posted.'),
      batchSize: count(10_000, { min: 1, max: 500_000 }).describe('Most events of a request.'),
      maxBuffer: count(100_000, { min: 1, max: 10_000_000 }).describe('Events that wait to be posted; beyond it the oldest are dropped.'),
      timeout: durationSetting('5s', { min: '10ms', max: '10m' }).describe('Time for a request; then it is repeated.'),
      count: count(0, { min: 0, max: Number.MAX_SAFE_INTEGER }).describe('Events after which the process ends. 0: never.'),
      seed: count(0, { min: 0, max: 2 ** 32 - 1 }).describe('The same seed makes the same amounts. 0: others at each start.'),
      distribution: z.enum(distributions).default('uniform').describe('How the amounts lie between min and max.'),
      min: z.number().default(0).describe('Least amount.'),
      max: z.number().default(10).describe('Every amount is below it.'),
    })
    .refine(({ min, max }) => min < max, { message: 'The least amount must be below the largest.', path: ['min'] }),
});
