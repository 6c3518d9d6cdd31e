import { z } from 'zod';
import { addressSetting, byteSizeSetting, durationSetting } from '../kernel/config/setting-types.ts';
import { channelFanoutSettings } from './channel-fanout-settings.ts';
import { channelOrderSettings, channelSourcesSettings } from './channel-order-settings.ts';
import { count, tlsFiles } from './setting-forms.ts';

const channelTime = z.string().regex(/^\S{1,12}=\d{1,5}$/, 'is written channel=milliseconds, as zato01=40');

/** Settings of channels. Defaults are those of the original service where it has the setting. */
export const channelsSettings = z.object({
  listen: addressSetting('127.0.0.1:8080').describe('Channels: HTTP API, for registration and usage.'),
  tls: tlsFiles(),
  token: z
    .string()
    .max(200)
    .default('')
    .meta({ secret: true })
    .describe('Token for users, channels, sessions, packets and usage in detail. Empty: these answer programs of this machine only.'),
  requestTimeout: durationSetting('5s', { min: '1s', max: '60s' }).describe('A request must have arrived whole within this time.'),
  idleTimeout: durationSetting('30s', { min: '1s', max: '60s' }).describe('A connection without a request is closed after this time.'),
  maxConnections: count(10_000, { min: 1, max: 1_000_000 }).describe('Open HTTP connections; further ones are closed.'),
  stream: channelFanoutSettings,
  source: channelSourcesSettings,
  reorder: channelOrderSettings,
  maxBuffer: byteSizeSetting('256MB', { min: '8MB', max: '64GB' }).describe('Packets in memory, of all channels together.'),
  packetTime: count(20, { min: 1, max: 60_000 }).describe('Media time of a packet in milliseconds: what usage is counted by.'),
  packetTimes: z.array(channelTime).default([]).describe('The same for single channels, as zato01=40.'),
  usage: z
    .object({
      engine: z
        .enum(['embedded', 'cassandra'])
        .default('embedded')
        .describe('Where users and usage are stored: in the data folder, or in Cassandra.'),
      timeout: durationSetting('10s', { min: '10ms', max: '10m' }).describe('Time for one call to the store; then it is tried again.'),
      flush: durationSetting('1s', { min: '10ms', max: '1m' }).describe('How often usage is stored; a crash loses at most this.'),
      compat: z
        .enum(['truncate', 'nearest-hour'])
        .default('truncate')
        .describe('nearest-hour: counters of the original are read with its hours, which begin half an hour earlier.'),
      keepRanges: durationSetting('744h', { min: '0s', max: '87600h' }).describe(
        'How long single ranges are kept, which prove the sums; the sums are kept for good. 0s: for good.',
      ),
      packetLog: z
        .enum(['off', 'sampled', 'full'])
        .default('off')
        .describe('Keep which packets were delivered when: not, one run of a session for each flush, or all.'),
      keepPackets: durationSetting('168h', { min: '0s', max: '87600h' }).describe('How long that log is kept. 0s: for good.'),
      cassandra: z.object({
        nodes: z.array(z.string().min(1)).min(1).default(['localhost']).describe('Nodes as host or host:port; one that answers is enough.'),
        dataCenter: z.string().min(1).default('datacenter1').describe('Data center whose nodes are asked.'),
        user: z.string().default('cassandra').describe('User of the login. Empty: no login.'),
        password: z.string().default('cassandra').meta({ secret: true }).describe('Password of the login.'),
        keyspace: z
          .string()
          .regex(/^[a-z][a-z0-9_]{0,47}$/, 'must be 1 to 48 of a-z 0-9 _, a letter first')
          .default('streaming_service')
          .describe('Keyspace; it and its tables are made where they are missing.'),
        replicas: count(1, { min: 1, max: 10 }).describe('Replicas of the keyspace where it is made.'),
        consistency: z
          .enum(['one', 'localOne', 'quorum', 'localQuorum'])
          .default('quorum')
          .describe('How many replicas must have answered.'),
      }),
    })
    .refine(({ engine, cassandra }) => engine !== 'cassandra' || (cassandra.user === '') === (cassandra.password === ''), {
      message: 'A login at Cassandra needs both, user and password.',
      path: ['cassandra', 'password'],
    }),
});

export type ChannelsSettings = z.output<typeof channelsSettings>;

/** Media time of a packet of each channel, milliseconds. */
export function packetTimeOf({ packetTime, packetTimes }: ChannelsSettings): (channel: string) => number {
  const known = new Map(packetTimes.map((text) => [text.slice(0, text.lastIndexOf('=')), Number(text.slice(text.lastIndexOf('=') + 1))]));
  return (channel) => known.get(channel) ?? packetTime;
}
