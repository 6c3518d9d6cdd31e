import { expect, test } from 'vitest';
import { logConfigSchema } from '../engines/log/log-config.ts';
import { loadConfig } from '../kernel/config/load-config.ts';
import { showConfig } from '../kernel/config/show-config.ts';
import { configSchema } from './config.ts';
import { logConfigOf } from './log-settings.ts';

const load = (env: Readonly<Record<string, string>>) => loadConfig({ schema: configSchema, flags: [], env, readFile: () => '' });
const configOf = (env: Readonly<Record<string, string>>) => logConfigOf(load(env).config, () => '/data/log');

test('without settings the log is in the data folder', () => {
  const config = configOf({});
  expect(config).toEqual({
    kind: 'sqlite',
    folder: '/data/log',
    segmentBytes: 64 * 1024 ** 2,
    segmentMs: 3_600_000,
    retentionMs: 7 * 24 * 3_600_000,
    maxTopicBytes: 10 * 1024 ** 3,
  });
  // The defaults of the engine are the same.
  expect(logConfigSchema.parse({ kind: 'sqlite', folder: '/data/log' })).toEqual(config);
});

test('the log of another process is taken with its token', () => {
  const socket = { SLUICE_ENGINE_SOCKET: 'data/engine.sock' };
  const token = { SLUICE_ENGINE_TOKEN: 'secret-word-of-the-test' };
  const config = configOf({ ...socket, ...token, SLUICE_ENGINE_RETRY: '5s' });
  expect(config).toEqual({ kind: 'socket', path: 'data/engine.sock', token: 'secret-word-of-the-test', retryMs: 5000 });
  expect(logConfigSchema.safeParse(config).success).toBe(true);
  expect(configOf({ ...socket, ...token, SLUICE_KAFKA_BROKERS: 'a:9092' })).toMatchObject({ kind: 'kafka' });
  expect(() => load(socket)).toThrow('needs the token');
  expect(() => load({ ...socket, SLUICE_ENGINE_TOKEN: 'short' })).toThrow('at least 16 characters');
  expect(showConfig({ schema: configSchema, ...load({ ...socket, ...token }) })).not.toContain('secret-word');
});

test('Kafka is taken with login and TLS', () => {
  const config = configOf({
    SLUICE_KAFKA_BROKERS: 'a:9092,[::1]:9093',
    SLUICE_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    SLUICE_KAFKA_SASL_USERNAME: 'app',
    SLUICE_KAFKA_SASL_PASSWORD_FILE: '/run/secrets/kafka',
    SLUICE_KAFKA_TLS_ENABLED: 'true',
    SLUICE_KAFKA_TLS_CA_FILE: '/etc/ca.pem',
  });
  expect(config).toMatchObject({
    kind: 'kafka',
    brokers: ['a:9092', '[::1]:9093'],
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'app', passwordFile: '/run/secrets/kafka' },
    tls: { caFile: '/etc/ca.pem' },
  });
  expect(logConfigSchema.safeParse(config).success).toBe(true);
  const plain = configOf({ SLUICE_KAFKA_BROKERS: '127.0.0.1:9092' });
  expect(logConfigSchema.parse({ kind: 'kafka', brokers: ['127.0.0.1:9092'] })).toEqual(plain);
});

test('a login is whole, and brokers have addresses', () => {
  const sasl = (name: string) => `SLUICE_KAFKA_SASL_${name}`;
  const both = { [sasl('MECHANISM')]: 'PLAIN', [sasl('PASSWORD')]: 'secret-word', [sasl('PASSWORD_FILE')]: '/run/secrets/kafka' };
  expect(() => load(both)).toThrow('A login needs a user name, and a password or a file that holds it');
  expect(() => load({ [sasl('MECHANISM')]: 'PLAIN', [sasl('USERNAME')]: 'app' })).toThrow('A login needs a user name');
  expect(() => load({ SLUICE_KAFKA_BROKERS: 'nonsense' })).toThrow('host:port');
  expect(() => load({ SLUICE_KAFKA_REPLICAS: '0' })).toThrow('-1 or at least 1');
  expect(() => load({ SLUICE_KAFKA_REPLICAS: '0' })).toThrow('-1 or at least 1');
});

test('the password is not shown', () => {
  const loaded = load({ SLUICE_KAFKA_SASL_PASSWORD: 'secret-word' });
  expect(showConfig({ schema: configSchema, ...loaded })).toContain('password: "*****"');
  expect(showConfig({ schema: configSchema, ...loaded })).not.toContain('secret-word');
});
