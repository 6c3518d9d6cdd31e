import { expect, test } from 'vitest';
import { logConfigSchema } from '../engines/log/log-config.ts';
import { loadConfig } from '../kernel/config/load-config.ts';
import { showConfig } from '../kernel/config/show-config.ts';
import { configSchema } from './config.ts';
import { logConfigOf } from './log-settings.ts';

const load = (env: Readonly<Record<string, string>>) => loadConfig({ schema: configSchema, flags: [], env, readFile: () => '' });
const configOf = (env: Readonly<Record<string, string>>) => logConfigOf(load(env).config, '/data/log');
const sasl = (name: string) => `SLUICE_KAFKA_SASL_${name}`;

test('without brokers the log is in the folder, with the defaults of the engine', () => {
  const defaults = logConfigSchema.parse({ kind: 'sqlite', folder: '/data/log' });
  expect(configOf({})).toEqual(defaults);
  expect(configOf({ SLUICE_EVENT_LOG_RETENTION: '1h', SLUICE_EVENT_LOG_MAX_TOPIC_SIZE: '1GB' })).toEqual({
    ...defaults,
    retentionMs: 3_600_000,
    maxTopicBytes: 1024 ** 3,
  });
});

test('Kafka is taken with login and TLS, and with the defaults of the engine', () => {
  const config = configOf({
    SLUICE_KAFKA_BROKERS: 'a:9092,[::1]:9093',
    [sasl('MECHANISM')]: 'SCRAM-SHA-512',
    [sasl('USERNAME')]: 'app',
    [sasl('PASSWORD_FILE')]: '/run/secrets/kafka',
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
  const plain = configOf({ SLUICE_KAFKA_BROKERS: 'a:9092' });
  expect(logConfigSchema.parse({ kind: 'kafka', brokers: ['a:9092'] })).toEqual(plain);
});

test('a login is whole, and brokers have addresses', () => {
  const both = {
    [sasl('MECHANISM')]: 'PLAIN',
    [sasl('USERNAME')]: 'app',
    [sasl('PASSWORD')]: 'word',
    [sasl('PASSWORD_FILE')]: '/run/word',
  };
  const { [sasl('PASSWORD')]: _, [sasl('PASSWORD_FILE')]: __, ...neither } = both;
  for (const env of [both, neither]) expect(() => load(env)).toThrow('A login needs');
  expect(() => load({ SLUICE_KAFKA_BROKERS: 'nonsense' })).toThrow('host:port');
  expect(() => load({ SLUICE_KAFKA_REPLICAS: '0' })).toThrow('-1 or at least 1');
});

test('the password is not shown', () => {
  const shown = showConfig({ schema: configSchema, ...load({ [sasl('PASSWORD')]: 'secret-word' }) });
  expect(shown).toContain('password: "*****"');
  expect(shown).not.toContain('secret-word');
});
