import { expect, test } from 'vitest';
import { loadConfig } from '../kernel/config/load-config.ts';
import { readOriginalNames } from '../kernel/config/original-names.ts';
import { describeConfig } from '../kernel/config/setting.ts';
import { packetTimeOf } from './channels-settings.ts';
import { configSchema } from './config.ts';
import { originalNames } from './original-names.ts';

/** As `sluice channels` does, alone. */
function load(env: Readonly<Record<string, string>>, flags: readonly string[] = []) {
  const settings = describeConfig(configSchema);
  const originals = readOriginalNames({ originals: originalNames.channels ?? [], settings, env, flags });
  return loadConfig({ schema: configSchema, flags: originals.rest, env, readFile: () => '', originals }).config;
}

test('without settings everything is as in the original, but for the store', () => {
  const { channels } = load({});
  expect(channels).toMatchObject({
    listen: { host: '127.0.0.1', port: 8080 },
    stream: { listen: { host: '127.0.0.1', port: 9111 } },
    source: { addresses: ['localhost:9110'] },
    packetTime: 20,
    usage: {
      ...{ engine: 'embedded', flush: 1000, packetLog: 'off', compat: 'truncate' },
      cassandra: { nodes: ['localhost'], keyspace: 'streaming_service', user: 'cassandra', password: 'cassandra' },
    },
  });
});

test('the names of the original hold', () => {
  const { channels, log, shutdownTimeout } = load({
    ...{ SERVER_HOST: '0.0.0.0', SERVER_PORT: '8081', STREAM_PORT: '9112', CHANNEL_SOURCE_HOST: 'source', PACKET_BATCH_SIZE: '10' },
    ...{ DB_NAME: 'other', DB_NODES: 'one,two:9043', DB_USER: 'me', DB_PASS: 'secret', LOG_LEVEL: 'debug', SHUTDOWN_TIMEOUT_MS: '5000' },
    ...{ SOURCE_BACKOFF_MS: '100..2000', SOURCE_MAGIC_HEX: '00ff00ff00', REPLAY_SECONDS: '7', SESSION_QUEUE_BYTES: '1048576' },
    ...{ USAGE_FLUSH_MS: '500', USAGE_COMPAT: 'nearest-hour', PACKET_LOG: 'sampled', PACKET_MS: '40', HANDSHAKE_ERRORS: 'line' },
  });
  expect(channels).toMatchObject({
    listen: { host: '0.0.0.0', port: 8081 },
    source: { addresses: ['source:9110'], backoffMin: 100, backoffMax: 2000, magicHex: '00ff00ff00' },
    stream: {
      listen: { host: '127.0.0.1', port: 9112 },
      packetBatchSize: 10,
      replay: 7000,
      sessionQueue: 1_048_576,
      handshakeErrors: 'line',
    },
    packetTime: 40,
    usage: {
      ...{ engine: 'cassandra', flush: 500, compat: 'nearest-hour', packetLog: 'sampled' },
      cassandra: { keyspace: 'other', nodes: ['one', 'two:9043'], user: 'me', password: 'secret' },
    },
  });
  expect([log.level, shutdownTimeout]).toEqual(['debug', 5000]);
});

test('several sources go before the one of the original, and one wait is the shortest and the longest', () => {
  const { source } = load({ CHANNEL_SOURCES: 'a:1,b:2', CHANNEL_SOURCE_PORT: '3', SOURCE_BACKOFF_MS: '700' }).channels;
  expect(source).toMatchObject({ addresses: ['a:1', 'b:2'], backoffMin: 700, backoffMax: 700 });
});

test('a channel may have a media time of its own', () => {
  const { channels } = load({ SLUICE_CHANNELS_PACKET_TIMES: 'zato01=40,a=b=5' });
  const timeOf = packetTimeOf(channels);
  expect([timeOf('zato01'), timeOf('zato02'), timeOf('a=b')]).toEqual([40, 20, 5]);
});
