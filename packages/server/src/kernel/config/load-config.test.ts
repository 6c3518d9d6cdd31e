import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { configJsonSchema } from './config-json-schema.ts';
import { helpText } from './help-text.ts';
import { type LoadOptions, loadConfig } from './load-config.ts';
import { describeConfig } from './setting.ts';
import { addressSetting, byteSizeSetting, durationSetting } from './setting-types.ts';
import { showConfig } from './show-config.ts';

const schema = z.object({
  dataDir: z.string().default('data').describe('Folder of all data.'),
  source: z.object({
    http: z.object({
      listen: addressSetting('0.0.0.0:7000')
        .describe('Where events come in.')
        .meta({ env: ['STREAM_SOURCE_HTTP_LISTEN', 'OLD_LISTEN'] }),
      maxBodyBytes: byteSizeSetting('1MB', { max: '10MB' }).describe('Largest body.'),
      timeout: durationSetting('30s', { min: '1s' }).describe('Time for a request.'),
      workers: z.int().min(1).default(2).describe('Number of workers.'),
      verbose: z.boolean().default(true).describe('Answers say more.'),
      origins: z.array(z.string()).default([]).describe('Allowed origins.'),
    }),
  }),
  tables: z.object({
    engine: z.enum(['duckdb', 'postgresql']).default('duckdb').describe('Kind of target.'),
    password: z.string().optional().meta({ description: 'Password of the target.', secret: true }),
  }),
});

function load(given: Partial<LoadOptions<typeof schema>> & { files?: Record<string, string> } = {}) {
  const { files = {}, ...rest } = given;
  const readFile = (path: string) => {
    const text = files[path];
    if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
    return text;
  };
  return loadConfig({ schema, flags: [], env: {}, readFile, ...rest });
}

function problemsOf(given: Parameters<typeof load>[0]): string[] {
  try {
    load(given);
  } catch (error) {
    expect(error).toMatchObject({ code: 'configInvalid' });
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^- /, ''));
  }
  return [];
}

test('defaults alone make a configuration', () => {
  expect(load().config).toEqual({
    dataDir: 'data',
    source: {
      http: { listen: { host: '0.0.0.0', port: 7000 }, maxBodyBytes: 1024 ** 2, timeout: 30_000, workers: 2, verbose: true, origins: [] },
    },
    tables: { engine: 'duckdb' },
  });
});

test('flags win over environment over file over default, and each value knows its place', () => {
  const files = {
    'sluice.yaml': 'dataDir: from-file\nsource:\n  http:\n    workers: 3\n    timeout: 3s\n    maxBodyBytes: 2048\n    listen:\n',
  };
  const { config, sources } = load({
    files,
    env: { SLUICE_CONFIG_FILE: 'sluice.yaml', SLUICE_SOURCE_HTTP_WORKERS: '4', SLUICE_SOURCE_HTTP_TIMEOUT: '4s', SLUICE_DATA_DIR: '' },
    flags: ['--source-http-timeout', '5s'],
  });
  expect(config.dataDir).toBe('from-file');
  expect(config.source.http).toMatchObject({ workers: 4, timeout: 5000, maxBodyBytes: 2048, listen: { port: 7000 } });
  expect([...sources]).toEqual([
    ['dataDir', 'file sluice.yaml'],
    ['source.http.listen', 'default'],
    ['source.http.maxBodyBytes', 'file sluice.yaml'],
    ['source.http.timeout', 'flag --source-http-timeout'],
    ['source.http.workers', 'environment variable SLUICE_SOURCE_HTTP_WORKERS'],
    ['source.http.verbose', 'default'],
    ['source.http.origins', 'default'],
    ['tables.engine', 'default'],
    ['tables.password', 'default'],
  ]);
});

test.each([
  [['--source-http-verbose'], true],
  [['--no-source-http-verbose'], false],
  [['--source-http-verbose=false'], false],
  [['--source-http-verbose', 'false'], true],
  [['--no-source-http-verbose', '--source-http-verbose'], true],
])('%j is %s', (flags, verbose) => {
  expect(load({ flags }).config.source.http.verbose).toBe(verbose);
});

test('positional arguments stay in order, lists grow, -- ends the flags', () => {
  const { config, positionals } = load({
    flags: ['api', '--source-http-origins=a,b', 'http-source', '--source-http-origins', 'c', '--data-dir=', '--', '--x'],
  });
  expect(positionals).toEqual(['api', 'http-source', '--x']);
  expect(config.source.http.origins).toEqual(['a', 'b', 'c']);
  expect(config.dataDir).toBe('');
});

test('all problems of all places come at once', () => {
  const problems = problemsOf({
    files: { 'a.yaml': 'source:\n  http:\n    worker: 3\n    workers: two\ntables: [1]\nelse: 1\n' },
    env: { SLUICE_SOURCE_HTTP_TIMEOUT: '10', STREAM_SOURCE_HTTP_LISTEN: 'nowhere' },
    flags: [
      '--config-file',
      'a.yaml',
      '--sorce-http-listen',
      ':80',
      '-v',
      '--tables-engine=sqlite',
      '--source-http-max-body-bytes',
      '11MB',
      '--data-dir',
    ],
  });
  expect(problems).toEqual([
    'Unknown flag --sorce-http-listen: did you mean --source-http-listen?',
    'Unknown flag -v: see --help for all flags.',
    'Flag --data-dir needs a value (text); write --data-dir=<value>.',
    'Unknown key source.http.worker in file a.yaml: did you mean source.http.workers?',
    'tables in file a.yaml must be a mapping of keys to values.',
    'Unknown key else in file a.yaml: see --help for all settings.',
    expect.stringMatching(/^source\.http\.listen is "nowhere", from environment variable STREAM_SOURCE_HTTP_LISTEN: an address is written/),
    'source.http.maxBodyBytes is "11MB", from flag --source-http-max-body-bytes: must be at most 10MB. Expected: size.',
    'source.http.timeout is "10", from environment variable SLUICE_SOURCE_HTTP_TIMEOUT: time: missing unit in duration "10". Expected: duration.',
    expect.stringMatching(/^source\.http\.workers is "two", from file a\.yaml: .*Expected: number\.$/),
    expect.stringMatching(/^tables\.engine is "sqlite", from flag --tables-engine: .*Expected: one of duckdb, postgresql\.$/),
  ]);
});

test('a file that cannot be read or parsed is a problem', () => {
  expect(problemsOf({ flags: ['--config-file=none.yaml'] })).toEqual([expect.stringContaining('none.yaml cannot be read: ENOENT')]);
  expect(problemsOf({ flags: ['--config-file=a.yaml'], files: { 'a.yaml': 'a: [1\n' } })[0]).toContain('is not valid YAML');
  expect(problemsOf({ flags: ['--config-file=a.yaml'], files: { 'a.yaml': 'a: 1\na: 2\n' } })[0]).toContain('is not valid YAML');
});

test('a required setting without a value says how to set it; rules across settings are checked last', () => {
  const strict = z
    .object({ low: z.int(), high: z.int().default(5) })
    .refine(({ low, high }) => low < high, { path: ['low'], message: 'must be under high' });
  const loadStrict = (flags: string[]) => loadConfig({ schema: strict, flags, env: {}, readFile: () => '' });
  expect(() => loadStrict([])).toThrow('low is required (number): set it by flag --low, environment variable SLUICE_LOW');
  expect(() => loadStrict(['--low=7'])).toThrow('low: must be under high');
  expect(loadStrict(['--low=-1']).config).toEqual({ low: -1, high: 5 });
});

test('service links and unknown variables are warnings, an earlier name wins over an alias', () => {
  const { config, warnings } = load({
    env: {
      SLUICE_DATA_DIR: 'tcp://10.0.0.1:80',
      SLUICE_API_PORT: 'tcp://10.0.0.1:80',
      SLUICE_API_SERVICE_HOST: '10.0.0.1',
      SLUICE_SOURCE_HTTP_WORKER: '3',
      SOURCE_HTTP_WORKERS: '9',
      OLD_LISTEN: ':1',
      STREAM_SOURCE_HTTP_LISTEN: ':2',
    },
  });
  expect(config.dataDir).toBe('data');
  expect(config.source.http.listen.port).toBe(2);
  expect(warnings).toEqual([
    'Environment variable SLUICE_DATA_DIR is ignored: its value is a Kubernetes service link; set enableServiceLinks: false.',
    'Environment variable SLUICE_SOURCE_HTTP_WORKER is unknown and ignored; did you mean SLUICE_SOURCE_HTTP_WORKERS?',
  ]);
});

test('secrets are not shown, neither in a problem nor in the configuration', () => {
  const env = { SLUICE_TABLES_PASSWORD: 'hunter2' };
  const { config, sources } = load({ env });
  expect(config.tables.password).toBe('hunter2');
  expect(showConfig({ schema, config, sources })).toContain(`password: "*****" # environment variable SLUICE_TABLES_PASSWORD`);
  expect(problemsOf({ flags: ['--config-file=a.yaml'], files: { 'a.yaml': 'tables:\n  password: 1234\n' } })).toEqual([
    expect.stringMatching(/^tables\.password has a value that is not shown, from file a\.yaml: /),
  ]);
});

test('what is shown can be loaded again', () => {
  const flags = fc.record({
    workers: fc.integer({ min: 1, max: 99 }),
    timeout: fc.integer({ min: 1000, max: 9_999_999 }),
    bytes: fc.integer({ min: 0, max: 10_000_000 }),
    origins: fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { minLength: 1 }),
    dataDir: fc.string({ minLength: 1 }),
  });
  fc.assert(
    fc.property(flags, ({ workers, timeout, bytes, origins, dataDir }) => {
      const first = load({
        flags: [
          `--source-http-workers=${workers}`,
          `--source-http-timeout=${timeout}ms`,
          `--source-http-max-body-bytes=${bytes}`,
          `--source-http-origins=${origins.join(',')}`,
          `--data-dir=${dataDir}`,
        ],
      });
      const again = load({ flags: ['--config-file=a'], files: { a: showConfig({ schema, ...first }) } });
      expect(again.config).toEqual(first.config);
    }),
  );
});

test('each setting has all its names, and no two share one', () => {
  expect(describeConfig(schema)[1]).toMatchObject({
    key: 'source.http.listen',
    flag: 'source-http-listen',
    env: ['SLUICE_SOURCE_HTTP_LISTEN', 'STREAM_SOURCE_HTTP_LISTEN', 'OLD_LISTEN'],
    form: 'address',
    defaultText: '0.0.0.0:7000',
    required: false,
    secret: false,
    description: 'Where events come in.',
  });
  const ambiguous = z.object({ a: z.object({ b: z.string() }), aB: z.string() });
  expect(() => describeConfig(ambiguous)).toThrow('Two settings have the name a-b');
});

test('the help names flag, form, default and variable', () => {
  const help = helpText(schema);
  expect(help).toContain('--source-http-timeout <duration>\n      Time for a request. (default 30s; SLUICE_SOURCE_HTTP_TIMEOUT)');
  expect(help).toContain('--source-http-verbose, --no-source-http-verbose');
  expect(help).toContain('--config-file <path>');
});

test('the JSON schema describes the file', () => {
  expect(configJsonSchema(schema)).toMatchObject({
    type: 'object',
    additionalProperties: false,
    properties: {
      source: { properties: { http: { properties: { timeout: { type: 'string', default: '30s', description: 'Time for a request.' } } } } },
      tables: { properties: { password: { type: 'string', writeOnly: true } } },
    },
  });
  expect(JSON.stringify(configJsonSchema(schema))).not.toMatch(/"required"|"env"|"secret"/);
});
