import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { apiVersionIndex } from '@sluice/contract/documentation-operations';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { demoFlags, portBase, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** Every command as a process: what it prints, where, and how it ends. */
const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));

let folder: Awaited<ReturnType<typeof openTempFolder>>;
let dataDir: string;
let service: RunningSluice;
let api: ApiClient;

beforeAll(async () => {
  folder = await openTempFolder();
  dataDir = `${folder.path}/data`;
  service = await startSluice({ dataDir, flags: demoFlags });
  api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('events');
  await api.createTableSink('events', { sinkId: 'rows', tableId: 'in.c-cli.rows', columns: [{ type: 'body', name: 'body' }] });
  for (const body of ['one', 'two']) await fetch(url, { method: 'POST', body });
});

afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function sluice(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [binary, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: code ?? signal, out, err };
}

const json = async (...args: readonly string[]): Promise<unknown> => {
  const { code, out, err } = await sluice(...args, '--data-dir', dataDir, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
};

describe('starts that fail', () => {
  const start = (...args: readonly string[]) => sluice('all', '--port-base', String(portBase()), ...args);
  const oneSentence = /^sluice: [^\n]+\.\n$/;

  test('a second process on the folder', async () => {
    const { code, out, err } = await start('--data-dir', dataDir);
    expect({ code, out, err }).toEqual({ code: 69, out: '', err: expect.stringMatching(oneSentence) });
    expect(err).toContain(`The data folder ${dataDir} is in use: process ${service.process.pid}, started `);
  });

  test('a port that is taken: nothing keeps the process, and the folder is free again', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const other = `${folder.path}/other`;
    const events = ['api', 'consumer-high', 'consumer-low', 'aggregator'].map((name) => `events-${name}`);
    const free = ['api', 'source-http', ...events, 'channels', 'channels-stream'].flatMap((name) => [`--${name}-listen`, '127.0.0.1:0']);
    const { code, out, err } = await sluice('all', '--data-dir', other, ...free, '--operations-listen', `127.0.0.1:${port}`);
    taken.close();
    expect({ code, out }).toEqual({ code: 69, out: '' });
    expect(err).toContain(`operations port cannot listen on 127.0.0.1:${port}: the address is in use; stop the process that uses it`);
    expect((await sluice('status', '--data-dir', other)).code).toBe(0);
  });

  test.each([
    ['a file', async (path: string) => writeFile(path, 'x').then(() => path)],
    ['a folder that cannot be made', async () => '/proc/nobody/data'],
    ['below a file', async () => '/dev/null/data'],
  ])('a data folder that is %s', async (name, make) => {
    const { code, err } = await start('--data-dir', await make(`${folder.path}/${name.replaceAll(' ', '-')}`));
    expect({ code, err }).toEqual({ code: 69, err: expect.stringMatching(oneSentence) });
    expect(err).toMatch(/cannot be used: .*choose another one by --data-dir/);
  });

  test('a data folder of a newer release', async () => {
    const path = `${folder.path}/newer`;
    await mkdir(path);
    await writeFile(`${path}/format`, '999\n');
    const { code, err } = await start('--data-dir', path);
    expect({ code, err }).toEqual({ code: 69, err: expect.stringContaining('it has format 999, this release knows formats up to') });
  });

  test('all problems of the configuration at once, with suggestions', async () => {
    const { code, out, err } = await start(
      '--log-levle',
      'info',
      '--shutdown-timeout',
      'soon',
      '--source-http-listen',
      'nowhere',
      '--source-queue-max-rows=1',
    );
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toContain('The configuration has 4 problems:');
    expect(err).toContain('Unknown flag --log-levle: did you mean --log-level?');
    expect(err).toContain('shutdownTimeout is "soon", from flag --shutdown-timeout');
    expect(err).toContain('source.http.listen is "nowhere"');
    expect(err).toContain('source.queue.maxRows is "1"');
  });

  test.each([
    [['frob'], '"frob" is no component or command: the components are storage-coordinator,'],
    [['htpp-source'], '"htpp-source" is no component or command: did you mean http-source?'],
    [['statsu'], '"statsu" is no component or command: did you mean status?'],
    [['--log-level', 'info'], 'Name at least one component: '],
    [
      ['http-source', '--data-dir', '/tmp/sluice-never-made/x'],
      'http-source needs storage-writer in the same process: name both, or start `sluice all`.',
    ],
  ])('%j', async (args, message) => {
    const { code, out, err } = await sluice(...args, '--port-base', String(portBase()));
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toContain(message);
  });
});

describe('help', () => {
  test('--help names every component, command and setting; --version is one line', async () => {
    const { code, out } = await sluice('--help');
    expect(code).toBe(0);
    for (const word of [
      'http-source',
      'storage-writer',
      'token, status, query, cat, quarantine, fsck, routes, usage, config',
      '--data-dir',
      'SLUICE_SOURCE_HTTP_LISTEN',
    ])
      expect(out).toContain(word);
    expect((await sluice('all', '--help')).out).toBe(out);
    expect(await sluice('--version')).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), err: '' });
    const bare = await sluice();
    expect([bare.code, bare.out]).toEqual([64, out]);
  });

  test('output that nobody reads to its end is no error', async () => {
    const child = spawn(process.execPath, [binary, 'config', 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('config show says where values come from; what it prints can be loaded again', async () => {
    const file = `${folder.path}/sluice.yaml`;
    await writeFile(file, 'source:\n  http:\n    maxRequestBodySize: 2MB\n');
    const shown = await sluice('config', 'show', '--config-file', file, '--log-level', 'warn');
    expect(shown).toMatchObject({ code: 0, err: '' });
    expect(shown.out).toMatch(/level: warn # flag --log-level/);
    expect(shown.out).toMatch(/maxRequestBodySize: 2MB # file /);
    await writeFile(file, shown.out);
    const again = await sluice('config', 'show', '--config-file', file);
    expect(again.out.replaceAll(/ #.*/g, '')).toBe(shown.out.replaceAll(/ #.*/g, ''));
    const schema = JSON.parse((await sluice('config', 'schema')).out);
    expect(schema).toMatchObject({ type: 'object', properties: { source: { properties: { http: { type: 'object' } } } } });
  });
});

describe('a running service', () => {
  test('ready line, readiness, metrics and health on the operations port', async () => {
    const { urls } = service;
    expect(Object.keys(urls)).toEqual([
      'api',
      'http-source',
      'source',
      'consumer-high',
      'consumer-low',
      'event-api',
      'aggregator',
      'channels',
      'channels-tcp',
      'operations',
    ]);
    const get = async (path: string) => {
      const answer = await fetch(new URL(path, urls['operations']));
      return { status: answer.status, text: await answer.text() };
    };
    expect(await get('/health-check')).toEqual({ status: 200, text: 'OK\n' });
    const ready = await get('/readyz');
    expect([ready.status, JSON.parse(ready.text)]).toMatchObject([200, { ready: true }]);
    const metrics = (await get('/metrics')).text;
    for (const name of ['sluice_ingest_requests_total', 'process_cpu_seconds_total', 'sluice_ingest_pending_rows'])
      expect(metrics).toContain(name);
    for (const name of ['api', 'source']) expect((await fetch(new URL('/health-check', urls[name]))).status).toBe(200);
    expect((await fetch(new URL('/metrics', urls['source']))).status).toBe(404);
  });

  test('query answers, reads only, and says what is wrong', async () => {
    const rows = () => json('query', 'SELECT body FROM "in.c-cli"."rows" ORDER BY body');
    expect(await waitFor(rows, (found) => JSON.stringify(found).includes('two'))).toEqual([{ body: 'one' }, { body: 'two' }]);
    await expectQueries([...writes, ...reachesOut(folder.path), '']);
  });

  test('status shows the rows of the sink', async () => {
    expect(await json('status')).toMatchObject({ ready: true, sinks: [{ sink: '1/1/events/rows', rows: { imported: 2, damaged: 0 } }] });
    const { out } = await sluice('status', '--data-dir', dataDir);
    expect(out).toMatch(/sink 1\/1\/events\/rows {2}rows: 0 local, 0 staged, 0 quarantined, 2 imported, 0 damaged/);
    expect(out).toMatch(/volume \w+ {2}\d+[MG]B of/);
  });

  test('cat shows the rows of a slice', async () => {
    const volume = `${dataDir}/volumes/default/001`;
    const parts = (await readdir(volume, { recursive: true })).filter((name) => name.endsWith('.csv.gz'));
    const id = (await readFile(`${volume}/volume-id`, 'utf8')).trim();
    const rows: string[] = [];
    for (const part of parts) {
      const openedAt = part.split('/')[4]?.replace(/T(\d\d)-(\d\d)-(\d\d)-/, 'T$1:$2:$3.') ?? '';
      const shown = await sluice('cat', `1/1/events/rows/${id}/${openedAt}`, '--data-dir', dataDir);
      expect(shown).toMatchObject({ code: 0, err: expect.stringContaining(part) });
      rows.push(...shown.out.split('\n').filter(Boolean));
    }
    expect(rows).toHaveLength(2);
    expect(new Set(rows)).toEqual(new Set(['"one"', '"two"']));
    // The slice that takes rows, as status names it.
    const { out } = await sluice('status', '--files', '--data-dir', dataDir);
    const named = /^file 1\/1\/events\/rows\/\S+ {2}writing {2}0 rows\n {2}slice (\S+) {2}writing {2}0 rows$/m.exec(out)?.[1] ?? 'none';
    expect(await sluice('cat', named, '--data-dir', dataDir)).toEqual({ code: 0, out: '', err: '' });
    expect(await json('status', '--files')).toMatchObject({ files: [{ state: 'writing', slices: [{ slice: named, state: 'writing' }] }] });
    const unknown = await sluice('cat', '1/1/none/none/x/y', '--data-dir', dataDir);
    expect(unknown).toMatchObject({ code: 64, err: expect.stringContaining('Slice "1/1/none/none/x/y" has no parts on this machine') });
  });

  test('tokens: created, listed without the secret, revoked', async () => {
    await expectTokens();
  });
});

describe('a stopped service', () => {
  beforeAll(async () => {
    expect(await service.stop()).toBe(0);
  });

  test('the same commands open the folder themselves', async () => {
    expect(await json('query', 'SELECT body FROM "in.c-cli"."rows" ORDER BY body')).toEqual([{ body: 'one' }, { body: 'two' }]);
    await expectQueries(writes.slice(0, 1));
    expect(await json('status')).toMatchObject({ sinks: [{ sink: '1/1/events/rows', rows: { imported: 2 } }] });
    await expectTokens();
  });

  test('a folder that is none is not made one', async () => {
    const empty = `${folder.path}/empty`;
    await mkdir(empty);
    for (const path of [empty, `${folder.path}/missing`]) {
      const { code, err } = await sluice('status', '--data-dir', path);
      expect({ code, err }).toEqual({
        code: 69,
        err: `sluice: There is no data folder ${path}: name it by --data-dir, or start the service first.\n`,
      });
    }
  });

  test('api alone: no token on a later start, and source URLs of the process that will serve them', async () => {
    const listen = ['--api-listen', '127.0.0.1:0', '--operations-listen', '127.0.0.1:0', '--source-http-public-url', 'https://in.example/'];
    const child = spawn(process.execPath, [binary, 'api', '--data-dir', dataDir, '--ready-line', ...listen], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = await once(child.stdout, 'data');
    const report = JSON.parse(String(line));
    expect(Object.keys(report)).toEqual(['ready', 'urls', 'project', 'branch']);
    expect(Object.keys(report.urls)).toEqual(['api', 'operations']);
    const alone = new ApiClient({ apiUrl: report.urls.api, token: service.token ?? '' });
    expect(await alone.sourceUrl('events')).toMatch(/^https:\/\/in\.example\/stream\/1\/events\/\w{48}$/);
    // Port 0: the URLs tell the real port.
    expect(await alone.call(apiVersionIndex)).toMatchObject({ documentation: `${report.urls.api}/v1/documentation` });
    expect(new URL(report.urls.api).port).not.toBe('0');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

const writes = ['DELETE FROM "in.c-cli"."rows"', 'SELECT 1; DROP TABLE "in.c-cli"."rows"', 'CREATE TABLE x (a INTEGER)'];
const reachesOut = (path: string) => [`COPY (SELECT 1) TO '${path}/out.csv'`, `ATTACH '${path}/x.db'`, "SELECT * FROM '/etc/passwd'"];

async function expectQueries(statements: readonly string[]): Promise<void> {
  const refused = (sql: string) => sluice('query', sql, '--data-dir', dataDir);
  for (const sql of [...statements, 'SELEC 1']) {
    const { code, out, err } = await refused(sql);
    expect({ sql, code, out }).toEqual({ sql, code: 64, out: '' });
    expect(err).toMatch(/^sluice: \S/);
    expect(err).not.toMatch(/unexpected error|\n {4}at /);
  }
  expect((await refused('SELECT * FROM nowhere')).err).toContain('nowhere');
  expect((await sluice('query', 'SELECT 1 AS n', '--project', '77', '--data-dir', dataDir)).err).toContain('77');
}

async function expectTokens(): Promise<void> {
  const created = await json('token', 'create', '--role', 'read', '--project', '7');
  expect(created).toEqual({ token: expect.any(String), project: 7, role: 'read' });
  const list = await json('token', 'list');
  const found = Array.isArray(list) ? list.find(({ projectId }) => projectId === 7) : undefined;
  expect(found).toMatchObject({ projectId: 7, role: 'read' });
  expect(JSON.stringify(list)).not.toContain(created instanceof Object && 'token' in created ? created.token : '?');
  expect(await json('token', 'revoke', found.tokenId)).toEqual({ revoked: found.tokenId });
  expect(await json('token', 'list')).toHaveLength(1);
  const again = await sluice('token', 'revoke', found.tokenId, '--data-dir', dataDir);
  expect(again).toMatchObject({ code: 64, err: expect.stringContaining('There is no token') });
  const bad = await sluice('token', 'create', '--role', 'king', '--data-dir', dataDir);
  expect(bad).toMatchObject({ code: 64, err: expect.stringContaining('role') });
}
