import { z } from 'zod';
import { addressSetting, durationSetting } from '../kernel/config/setting-types.ts';
import { count, tlsFiles } from './setting-forms.ts';

/** Settings of the aggregator. */
export const aggregatorSettings = z
  .object({
    listen: addressSetting('127.0.0.1:9995').describe('Aggregator: where both series are read. It asks for no token.'),
    tls: tlsFiles(),
    disable: z.boolean().default(false).describe('Park the component: requests are answered, and nothing is read.'),
    range: durationSetting('10m', { min: '1s', max: '87600h' }).describe('How far an answer goes back where the request does not say.'),
    step: durationSetting('10s', { min: '1ms', max: '8760h' }).describe('Length of a bucket where the request does not say.'),
    maxPoints: count(5000, { min: 2, max: 100_000 }).describe('Buckets of all series of an answer; more are refused with 400.'),
    align: z
      .enum(['start', 'compat'])
      .default('start')
      .describe('Time of a bucket: its start. compat: of low its end, as in the original.'),
    partialMessage: z
      .enum(['partial', 'ok'])
      .default('partial')
      .describe('Message of an answer that lacks a store. ok: for clients that take no other.'),
    storeTimeout: durationSetting('1500ms', { min: '10ms', max: '1m' }).describe('Time for a store; then the answer goes out without it.'),
    cache: durationSetting('1s', { min: '0s', max: '1m' }).describe('How long an answer is given again.'),
    stream: z.object({
      poll: durationSetting('1s', { min: '100ms', max: '1h' }).describe('How often the stores are asked for what streams send, at most.'),
      maxClients: count(1000, { min: 1, max: 100_000 }).describe('Streams at the same time; more are answered with 503.'),
      heartbeat: durationSetting('15s', { min: '1s', max: '10m' }).describe('How often a stream shows that it is there.'),
      maxBlocked: durationSetting('30s', { min: '1s', max: '10m' }).describe('A client that takes nothing for this time is disconnected.'),
    }),
    requestTimeout: durationSetting('30s', { min: '1s', max: '60s' }).describe('A request must have arrived whole within this time.'),
    idleTimeout: durationSetting('30s', { min: '1s', max: '60s' }).describe('A connection without a request is closed after this time.'),
    maxConnections: count(10_000, { min: 1, max: 1_000_000 }).describe('Open connections; further ones are closed.'),
  })
  .refine(({ range, step, maxPoints }) => Math.ceil(range / step) * 2 <= maxPoints, {
    message: 'The range has more buckets, of two series, than an answer may have: take a larger step.',
    path: ['step'],
  });
