import type { OriginalNames } from '../kernel/config/original-names.ts';
import type { ComponentName } from './component-names.ts';

const text = (key: string, name: string): OriginalNames => ({ key, names: [name], toText: (given) => given[name] ?? '' });

/** In whole milliseconds. */
const milliseconds = (key: string, name: string): OriginalNames => ({ key, names: [name], toText: (given) => `${given[name]}ms` });

const flag = (key: string, name: string): OriginalNames => ({ key, names: [name], isSwitch: true, toText: (given) => truth(given[name]) });

const disable = (key: string): OriginalNames => ({ ...flag(key, 'DISABLE'), short: '-x' });

function truth(given = ''): string {
  const word = given.toLowerCase();
  if (['1', 'true', 'yes', 'on'].includes(word)) return 'true';
  return ['0', 'false', 'no', 'off'].includes(word) ? 'false' : given;
}

const hostPort = (host: string, port: string): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

interface AddressNames {
  readonly key: string;
  readonly host: string;
  readonly port: string;
  readonly otherwise: { readonly host: string; readonly port: number };
}

const address = ({ key, host, port, otherwise }: AddressNames): OriginalNames => ({
  key,
  names: [port, host],
  short: '-p',
  toText: (given) => hostPort(given[host] ?? otherwise.host, given[port] ?? String(otherwise.port)),
});

const kafka: readonly OriginalNames[] = [
  {
    key: 'kafka.brokers',
    names: ['KAFKA_BROKERS', 'KAFKA_HOST', 'KAFKA_PORT'],
    toText: ({ KAFKA_HOST = '127.0.0.1', KAFKA_PORT = '9092', KAFKA_BROKERS = hostPort(KAFKA_HOST, KAFKA_PORT) }) => KAFKA_BROKERS,
  },
  text('kafka.clientId', 'KAFKA_CLIENT_ID'),
  text('kafka.replicas', 'KAFKA_TOPIC_REPLICATION'),
  text('kafka.sasl.mechanism', 'KAFKA_SASL_MECHANISM'),
  text('kafka.sasl.username', 'KAFKA_SASL_USERNAME'),
  text('kafka.sasl.password', 'KAFKA_SASL_PASSWORD'),
  flag('kafka.tls.enabled', 'KAFKA_TLS'),
  text('kafka.tls.caFile', 'KAFKA_TLS_CA_FILE'),
  text('events.topic', 'KAFKA_TOPIC'),
  text('events.partitions', 'KAFKA_TOPIC_PARTITIONS'),
];
const ofEveryEventComponent = [text('log.level', 'LOG_LEVEL'), milliseconds('shutdownTimeout', 'SHUTDOWN_TIMEOUT_MS')];

const ofEveryReader: readonly OriginalNames[] = [
  {
    key: 'log.level',
    names: ['DEBUG', 'LOG_LEVEL'],
    short: '-d',
    isSwitch: true,
    toText: ({ DEBUG = '', LOG_LEVEL = 'info' }) => (truth(DEBUG) === 'true' ? 'debug' : LOG_LEVEL),
  },
  milliseconds('shutdownTimeout', 'SHUTDOWN_TIMEOUT_MS'),
];

const consumer = (route: 'high' | 'low', port: number): readonly OriginalNames[] => [
  ...ofEveryReader,
  address({ key: `events.consumer.${route}.listen`, host: 'HOST', port: 'PORT', otherwise: { host: '127.0.0.1', port } }),
  disable(`events.consumer.${route}.disable`),
  ...kafka,
  text(`events.consumer.${route}.group`, 'KAFKA_GROUP'),
  text('events.consumer.deadLetterTopic', 'KAFKA_DLQ_TOPIC'),
  text('events.consumer.watermark', 'WATERMARK'),
  text(`events.consumer.${route}.batchSize`, 'BATCH_SIZE'),
  milliseconds(`events.consumer.${route}.batchAge`, 'BATCH_AGE_MS'),
  milliseconds('events.api.maxFutureSkew', 'MAX_FUTURE_SKEW_MS'),
];

const postgresNames = ['HOST', 'PORT', 'USER', 'PASSWORD', 'USE_SSL', 'DB'].map((name) => `POSTGRES_${name}`);
const postgres: readonly OriginalNames[] = [
  { key: 'series.high.engine', names: postgresNames, toText: () => 'postgres' },
  text('series.high.postgres.host', 'POSTGRES_HOST'),
  text('series.high.postgres.port', 'POSTGRES_PORT'),
  text('series.high.postgres.user', 'POSTGRES_USER'),
  text('series.high.postgres.password', 'POSTGRES_PASSWORD'),
  text('series.high.postgres.database', 'POSTGRES_DB'),
  {
    key: 'series.high.postgres.tls',
    names: ['POSTGRES_USE_SSL'],
    toText: ({ POSTGRES_USE_SSL }) => (truth(POSTGRES_USE_SSL) === 'true' ? 'require' : 'off'),
  },
  text('series.high.postgres.timescale', 'TIMESCALE'),
];

/** The flags of the original have a dash more than the variables have underscores: `--influx-db-host`. */
const influxNames = (name: string): readonly string[] => [`INFLUXDB_${name}`, `INFLUX_DB_${name}`];
const influxText = (key: string, name: string): OriginalNames => ({
  key,
  names: influxNames(name),
  toText: (given) =>
    influxNames(name)
      .map((one) => given[one])
      .findLast((one) => one !== undefined) ?? '',
});
const influxHost = influxText('series.low.influx.url', 'HOST');
const influx: readonly OriginalNames[] = [
  { key: 'series.low.engine', names: ['HOST', 'TOKEN', 'ORG', 'BUCKET'].flatMap(influxNames), toText: () => 'influx' },
  { ...influxHost, toText: (given) => `http://${influxHost.toText(given)}` },
  influxText('series.low.influx.token', 'TOKEN'),
  influxText('series.low.influx.org', 'ORG'),
  influxText('series.low.influx.bucket', 'BUCKET'),
  text('series.low.influx.api', 'INFLUX_API'),
  text('series.low.influx.amountType', 'INFLUX_AMOUNT_TYPE'),
  text('series.low.influx.tags', 'INFLUX_TAGS'),
];

const channels: readonly OriginalNames[] = [
  ...ofEveryEventComponent,
  address({ key: 'channels.listen', host: 'SERVER_HOST', port: 'SERVER_PORT', otherwise: { host: '127.0.0.1', port: 8080 } }),
  address({ key: 'channels.stream.listen', host: 'STREAM_HOST', port: 'STREAM_PORT', otherwise: { host: '127.0.0.1', port: 9111 } }),
  {
    key: 'channels.source.addresses',
    names: ['CHANNEL_SOURCES', 'CHANNEL_SOURCE_HOST', 'CHANNEL_SOURCE_PORT'],
    toText: ({ CHANNEL_SOURCE_HOST = 'localhost', CHANNEL_SOURCE_PORT = '9110', CHANNEL_SOURCES }) =>
      CHANNEL_SOURCES ?? hostPort(CHANNEL_SOURCE_HOST, CHANNEL_SOURCE_PORT),
  },
  text('channels.stream.packetBatchSize', 'PACKET_BATCH_SIZE'),
  { key: 'channels.usage.engine', names: ['DB_NAME', 'DB_NODES', 'DB_USER', 'DB_PASS'], toText: () => 'cassandra' },
  text('channels.usage.cassandra.keyspace', 'DB_NAME'),
  text('channels.usage.cassandra.nodes', 'DB_NODES'),
  text('channels.usage.cassandra.user', 'DB_USER'),
  text('channels.usage.cassandra.password', 'DB_PASS'),
  text('channels.reorder.window', 'REORDER_WINDOW'),
  milliseconds('channels.reorder.timeout', 'REORDER_TIMEOUT_MS'),
  text('channels.reorder.startPolicy', 'START_POLICY'),
  text('channels.reorder.resetDistance', 'RESET_DISTANCE'),
  milliseconds('channels.source.idleTimeout', 'SOURCE_IDLE_MS'),
  ...(['backoffMin', 'backoffMax'] as const).map((name, index) => ({
    key: `channels.source.${name}`,
    names: ['SOURCE_BACKOFF_MS'],
    // Shortest and longest: 250..10000.
    toText: ({ SOURCE_BACKOFF_MS = '' }) => `${SOURCE_BACKOFF_MS.split('..').at(index) ?? SOURCE_BACKOFF_MS}ms`,
  })),
  text('channels.source.magicHex', 'SOURCE_MAGIC_HEX'),
  text('channels.source.maxPayload', 'MAX_PAYLOAD_BYTES'),
  text('channels.stream.sessionQueue', 'SESSION_QUEUE_BYTES'),
  text('channels.stream.slowPolicy', 'SLOW_POLICY'),
  text('channels.stream.maxSessionsPerUser', 'SESSION_MAX_PER_USER'),
  { key: 'channels.stream.replay', names: ['REPLAY_SECONDS'], toText: ({ REPLAY_SECONDS }) => `${REPLAY_SECONDS}s` },
  milliseconds('channels.stream.handshakeTimeout', 'HANDSHAKE_TIMEOUT_MS'),
  text('channels.stream.handshakeMaxSize', 'HANDSHAKE_MAX_BYTES'),
  text('channels.stream.handshakeErrors', 'HANDSHAKE_ERRORS'),
  text('channels.packetTime', 'PACKET_MS'),
  text('channels.usage.packetLog', 'PACKET_LOG'),
  milliseconds('channels.usage.flush', 'USAGE_FLUSH_MS'),
  text('channels.usage.compat', 'USAGE_COMPAT'),
  text('channels.reorder.maxChannels', 'MAX_CHANNELS'),
  text('channels.maxBuffer', 'MAX_BUFFER_BYTES'),
];

/** The names that the components had in the systems they come from. They hold where one component is started alone. */
export const originalNames: Readonly<Partial<Record<ComponentName, readonly OriginalNames[]>>> = {
  aggregator: [
    ...ofEveryReader,
    address({ key: 'events.aggregator.listen', host: 'HOST', port: 'PORT', otherwise: { host: '127.0.0.1', port: 9995 } }),
    disable('events.aggregator.disable'),
    ...kafka,
    ...postgres,
    ...influx,
    text('events.aggregator.range', 'DEFAULT_RANGE'),
    text('events.aggregator.step', 'DEFAULT_STEP'),
    text('events.aggregator.align', 'ALIGN'),
    text('events.aggregator.partialMessage', 'COMPAT_PARTIAL'),
    milliseconds('events.aggregator.cache', 'CACHE_MS'),
    // The original took it, and read nothing from it.
    text('events.consumer.watermark', 'WATERMARK'),
  ],
  'channel-source': [
    text('log.level', 'LOG_LEVEL'),
    address({ key: 'channelSource.listen', host: 'HOST', port: 'PORT', otherwise: { host: '127.0.0.1', port: 9110 } }),
    {
      key: 'channelSource.duration',
      names: ['DURATION', 'EXECUTION_DURATION'],
      // The original is run with `1000sec`.
      toText: ({ EXECUTION_DURATION = '', DURATION = EXECUTION_DURATION }) => DURATION.replace(/(\d)sec(onds?)?$/, '$1s'),
    },
    text('channelSource.channels', 'CHANNELS'),
    text('channelSource.rate', 'RATE'),
    text('channelSource.payload', 'PAYLOAD'),
    text('channelSource.reorderWindow', 'REORDER_WINDOW'),
    text('channelSource.loss', 'LOSS'),
    text('channelSource.dup', 'DUP'),
    text('channelSource.late', 'LATE'),
    text('channelSource.startSeq', 'START_SEQ'),
    text('channelSource.seed', 'SEED'),
    text('channelSource.prefixHex', 'PREFIX_HEX'),
    text('channelSource.inputTs', 'INPUT_TS'),
  ],
  channels,
  'consumer-high': [...consumer('high', 9996), ...postgres],
  'consumer-low': [...consumer('low', 9997), ...influx],
  'event-api': [
    ...ofEveryEventComponent,
    address({ key: 'events.api.listen', host: 'HOST', port: 'PORT', otherwise: { host: '127.0.0.1', port: 9998 } }),
    disable('events.api.disable'),
    ...kafka,
    text('events.api.maxBodySize', 'MAX_BODY_BYTES'),
    text('events.api.maxEvents', 'MAX_EVENTS'),
    text('events.api.onInvalid', 'ON_INVALID'),
    text('events.api.amountEncoding', 'AMOUNT_ENCODING'),
    flag('events.api.textPassthrough', 'TEXT_PASSTHROUGH'),
    flag('events.api.compatStatus', 'COMPAT_STATUS'),
    milliseconds('events.api.maxFutureSkew', 'MAX_FUTURE_SKEW_MS'),
  ],
  'event-producer': [
    ...ofEveryEventComponent,
    {
      key: 'events.producer.url',
      names: ['API_PORT', 'API_HOST'],
      short: '-p',
      toText: ({ API_HOST = '127.0.0.1', API_PORT = '9998' }) => `http://${hostPort(API_HOST, API_PORT)}/`,
    },
    flag('events.producer.plainText', 'PLAIN_TEXT'),
    disable('events.producer.disable'),
    text('events.producer.rate', 'RATE'),
    text('events.producer.batchInterval', 'BATCH_INTERVAL'),
    text('events.producer.maxBuffer', 'MAX_BUFFER'),
    text('events.producer.timeout', 'TIMEOUT'),
    text('events.producer.count', 'COUNT'),
    text('events.producer.seed', 'SEED'),
    text('events.producer.distribution', 'DISTRIBUTION'),
    text('events.producer.min', 'MIN'),
    text('events.producer.max', 'MAX'),
  ],
};
