import { expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig } from './load-config.ts';
import { ignoredOriginalNames, type OriginalNames, readOriginalNames } from './original-names.ts';
import { describeConfig } from './setting.ts';
import { addressSetting } from './setting-types.ts';

const schema = z.object({
  service: z.object({ listen: addressSetting('127.0.0.1:9998'), disable: z.boolean().default(false), topic: z.string().default('events') }),
  log: z.object({ level: z.string().default('info') }),
});
const settings = describeConfig(schema);
const originals: readonly OriginalNames[] = [
  {
    key: 'service.listen',
    names: ['HOST', 'PORT'],
    toText: ({ HOST = '127.0.0.1', PORT = '9998' }) => `${HOST}:${PORT}`,
  },
  { key: 'service.disable', names: ['DISABLE'], short: '-x', isSwitch: true, toText: ({ DISABLE = '' }) => DISABLE },
  { key: 'service.topic', names: ['KAFKA_TOPIC'], toText: ({ KAFKA_TOPIC = '' }) => KAFKA_TOPIC },
  { key: 'log.level', names: ['LOG_LEVEL'], toText: ({ LOG_LEVEL = '' }) => LOG_LEVEL },
];

function load(flags: readonly string[], env: Record<string, string>) {
  const given = readOriginalNames({ originals, settings, env, flags });
  return loadConfig({ schema, flags: given.rest, env, readFile: () => '', originals: given });
}

test('environment names give settings, those of one setting together', () => {
  const { config, sources, warnings } = load([], { PORT: '1', DISABLE: 'true', KAFKA_TOPIC: 'a', LOG_LEVEL: 'warn' });
  expect(config).toEqual({ service: { listen: { host: '127.0.0.1', port: 1 }, disable: true, topic: 'a' }, log: { level: 'warn' } });
  expect(sources.get('service.listen')).toBe('environment variable PORT');
  expect(warnings).toEqual([]);
});

test.each([
  [['--host', '0.0.0.0', '--port=2', '-x', 'event-api'], { listen: { host: '0.0.0.0', port: 2 }, disable: true }],
  [['event-api', '--disable', '--kafka-topic', 'b'], { disable: true, topic: 'b' }],
  [['event-api', '--disable=false', '--port', '3'], { listen: { host: '10.0.0.1', port: 3 }, disable: false }],
  [['event-api', '--service-topic', 'c', '--kafka-topic', 'b'], { topic: 'c' }],
])('flags %j are before the environment', (flags, expected) => {
  const env = { HOST: '10.0.0.1', DISABLE: '1', KAFKA_TOPIC: 'a' };
  const { config, positionals } = load(flags, env);
  expect(config.service).toMatchObject(expected);
  expect(positionals).toEqual(['event-api']);
});

test('the own name of a setting is before the original one, and an original flag before both', () => {
  const env = { KAFKA_TOPIC: 'a', SLUICE_SERVICE_TOPIC: 'own' };
  expect(load([], env).config.service.topic).toBe('own');
  expect(load(['--kafka-topic', 'b'], env).config.service.topic).toBe('b');
});

test('what does not fit is a problem that names its source', () => {
  expect(() => load([], { PORT: 'x' })).toThrow(/service\.listen is "127\.0\.0\.1:x", from environment variable PORT/);
  expect(() => load(['--port', '70000'], { HOST: 'h' })).toThrow(/from flag --port/);
  expect(() => load(['--prot', '1'], {})).toThrow(/Unknown flag --prot/);
});

test('flags behind -- and those that are the own flags of settings are left alone', () => {
  expect(readOriginalNames({ originals, settings, env: {}, flags: ['--log-level', 'x', '--', '--port', '1'] }).rest).toEqual([
    '--log-level',
    'x',
    '--',
    '--port',
    '1',
  ]);
});

test('service links of Kubernetes are ignored with a warning', () => {
  const { config, warnings } = load([], { PORT: 'tcp://10.0.0.1:80' });
  expect(config.service.listen.port).toBe(9998);
  expect(warnings).toEqual([expect.stringContaining('PORT is ignored')]);
});

test('several components get one warning with the names to use', () => {
  expect(ignoredOriginalNames(originals, { HOST: 'a', PORT: 'tcp://10.0.0.1:80', KAFKA_TOPIC: 'b' }, settings)).toEqual([
    'Environment variables HOST, KAFKA_TOPIC are ignored, because they hold for a single component; here use SLUICE_SERVICE_LISTEN, SLUICE_SERVICE_TOPIC.',
  ]);
  expect(ignoredOriginalNames(originals, { PORT: 'tcp://10.0.0.1:80' }, settings)).toEqual([]);
});
