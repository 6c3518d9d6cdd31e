import { settingDeclarations } from '@sluice/contract/settings';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { quarantineOperations } from '../../../src/features/storage/quarantine-operations.ts';
import { zeroFigures } from '../../../src/features/storage/state/figures.ts';
import { statisticsOperations } from '../../../src/features/storage/statistics-operations.ts';
import { ApiHarness } from '../../support/api-harness.ts';
import { silentLogger } from '../../support/silent-logger.ts';

/** Answers byte for byte, where no other test of an operation has them. */

const at = '2026-06-24T10:00:00.000Z';
const sources = '/v1/branches/default/sources';
const table = { type: 'keboola', tableId: 'in.c-orders.raw', mapping: { columns: [{ type: 'body', name: 'raw' }] } };

const common = {
  sink: { projectId: 1, branchId: 1, sourceId: 's', sinkId: 'k' },
  sinkVersion: 1,
  tableId: 'in.c-orders.raw',
  columns: ['raw'],
  codec: 'gzip',
  settings: {},
  importId: 'id',
};
const figures = { goodRows: 10, damagedRows: 0, compressedBytes: 200, rawBytes: 900, firstAt: 0, lastAt: 59_000 };
const files = [
  { ...common, state: 'writing', openedAt: '2026-06-24T09:59:00.000Z' },
  {
    ...common,
    state: 'imported',
    openedAt: '2026-06-24T09:00:00.000Z',
    closingAt: '2026-06-24T09:01:00.000Z',
    importingAt: '2026-06-24T09:02:00.000Z',
    importedAt: '2026-06-24T09:03:00.000Z',
    importedRows: 10,
    figures,
  },
];
const view = { filesOf: () => files, slicesOf: () => [], figures: () => zeroFigures, sinkSum: () => zeroFigures };
const quarantined = {
  file: `1/1/s/k/${at}`,
  sourceId: 's',
  sinkId: 'k',
  tableId: 'in.c-orders.raw',
  rows: 2,
  quarantinedAt: at,
  reason: 'no',
  isDiscarding: false,
};
const quarantine = {
  list: () => [quarantined],
  retry: async (file: string) => ({ file, rows: 2, state: 'importing' }),
  discard: async (file: string) => ({ file, rows: 2, state: 'discarded' }),
};

let api: ApiHarness;
beforeEach(async () => {
  api = await ApiHarness.open({
    furtherOperations: ({ store, clock }) => [
      ...statisticsOperations({ store, clock, view: view as never, logger: silentLogger }),
      ...quarantineOperations({ store, quarantine: quarantine as never }),
    ],
  });
  await api.create(sources, { type: 'http', name: 's' });
  await api.create(`${sources}/s/sinks`, { type: 'table', name: 'k', table });
});
afterEach(() => api[Symbol.asyncDispose]());

const textOf = async (path: string) => (await api.get(path)).text.trimEnd();

describe('tasks', () => {
  const changes = [
    ['PATCH', 's', { name: 't' }, 'api.update.source', 'Source has been updated successfully.'],
    ['PATCH', 's/settings', {}, 'api.update.sourceSettings', 'Source settings have been updated successfully.'],
    ['PATCH', 's/sinks/k', { name: 't' }, 'api.update.sink', 'Sink has been updated successfully.'],
    ['PATCH', 's/sinks/k/settings', {}, 'api.update.sinkSettings', 'Sink settings have been updated successfully.'],
    ['PUT', 's/sinks/k/disable', undefined, 'api.disable.sink', 'Sink has been disabled successfully.'],
    ['PUT', 's/sinks/k/enable', undefined, 'api.enable.sink', 'Sink has been enabled successfully.'],
    ['PUT', 's/disable', undefined, 'api.disable.source', 'Source has been disabled successfully.'],
    ['PUT', 's/enable', undefined, 'api.enable.source', 'Source has been enabled successfully.'],
    ['DELETE', 's/sinks/k', undefined, 'api.delete.sink', 'Sink has been deleted successfully.'],
    ['DELETE', 's', undefined, 'api.delete.source', 'Source has been deleted successfully.'],
  ] as const;

  it.each(changes)('%s %s', async (method, path, payload, type, result) => {
    const started = await api.call(method, `${sources}/${path}`, payload === undefined ? {} : { payload });
    const entity = path.includes('/k') ? 's/k' : 's';
    const id = String(started.body['taskId']);
    expect(id).toMatch(new RegExp(`^${type}/1/${entity}/2026-06-24T10:00:00\\.000Z_\\d{5}$`));
    const head = `{"taskId":"${id}","type":"${type}","url":"https://api.test/v1/tasks/${id}"`;
    expect([started.status, started.text]).toEqual([202, `${head},"status":"processing","isFinished":false,"createdAt":"${at}"}\n`]);
    const keys = `"projectId":1,"branchId":1,"sourceId":"s"${entity === 's' ? '' : ',"sinkId":"k"'}`;
    const url = `https://api.test/v1/branches/1/sources/${entity.replace('/', '/sinks/')}`;
    expect((await api.finished(started)).text).toBe(
      `${head},"status":"success","isFinished":true,"createdAt":"${at}","finishedAt":"${at}","duration":0,` +
        `"result":"${result}","outputs":{"url":"${url}",${keys}}}\n`,
    );
  });
});

describe('lists', () => {
  it('of sources and sinks have the entities as they are shown alone', async () => {
    await api.create(sources, { type: 'http', name: 'a' });
    await api.change('PUT', `${sources}/s/disable`);
    const page = (totalCount: number, lastId: string) =>
      `"page":{"limit":100,"totalCount":${totalCount},"afterId":"","lastId":"${lastId}"}`;
    const [a, s, k] = [await textOf(`${sources}/a`), await textOf(`${sources}/s`), await textOf(`${sources}/s/sinks/k`)];
    expect(await textOf(sources)).toBe(`{"projectId":1,"branchId":1,${page(2, 's')},"sources":[${a},${s}]}`);
    expect(await textOf(`${sources}/s/sinks`)).toBe(`{"projectId":1,"branchId":1,"sourceId":"s",${page(1, 'k')},"sinks":[${k}]}`);
  });

  it('of versions have the versions as they are shown alone', async () => {
    const by = `{"type":"user","tokenId":"${api.token.slice(0, 10)}","tokenDesc":"admin token"}`;
    for (const [path, what] of [
      [`${sources}/s`, 'source'],
      [`${sources}/s/sinks/k`, 'sink'],
    ] as const) {
      await api.change('PATCH', path, { changeDescription: 'Again.' });
      const shown = await Promise.all([1, 2].map((number) => textOf(`${path}/versions/${number}`)));
      const hashes = shown.map((text) => /"hash":"([0-9a-f]{16})"/.exec(text)?.[1]);
      expect(shown).toEqual([
        `{"number":1,"hash":"${hashes[0]}","description":"New ${what}.","at":"${at}","by":${by}}`,
        `{"number":2,"hash":"${hashes[1]}","description":"Again.","at":"${at}","by":${by}}`,
      ]);
      expect(await textOf(`${path}/versions`)).toBe(
        `{"versions":[${shown.join(',')}],"page":{"limit":100,"totalCount":2,"afterId":"","lastId":"0000000002"}}`,
      );
    }
  });
});

describe('settings', () => {
  const level = 'storage.level.';
  const rows: readonly [string, string, string, boolean, string?][] = [
    ['local.encoding.compression.gzip.blockSize', 'string', '"256KB"', true, 'required,minBytes=16kB,maxBytes=100MB'],
    ['local.encoding.compression.gzip.concurrency', 'int', '0', true],
    ['local.encoding.compression.gzip.implementation', 'string', '"parallel"', true, 'required,oneof=standard fast parallel'],
    ['local.encoding.compression.gzip.level', 'int', '1', true, 'min=1,max=9'],
    ['local.encoding.compression.type', 'string', '"gzip"', true, 'required,oneof=none gzip'],
    ['local.encoding.encoder.concurrency', 'int', '0', true, 'min=0,max=256'],
    ['local.encoding.encoder.type', 'string', '"csv"', true, 'required,oneof=csv'],
    ['local.encoding.failedChunksThreshold', 'int', '3', true, 'required,min=1,max=100'],
    ['local.encoding.inputBuffer', 'string', '"2MB"', true, 'maxBytes=16MB'],
    ['local.encoding.maxChunkSize', 'string', '"512KB"', true, 'required,minBytes=64kB,maxBytes=1MB'],
    ['local.encoding.sync.checkInterval', 'string', '"5ms"', true, 'required,minDuration=1ms,maxDuration=30s'],
    ['local.encoding.sync.compressedBytesTrigger', 'string', '"256KB"', true, 'required,minBytes=100B,maxBytes=100MB'],
    ['local.encoding.sync.countTrigger', 'int', '10000', true, 'required,min=1,max=1000000'],
    ['local.encoding.sync.intervalTrigger', 'string', '"50ms"', true, 'required,minDuration=10ms,maxDuration=30s'],
    ['local.encoding.sync.mode', 'string', '"disk"', true, 'required,oneof=disk cache'],
    ['local.encoding.sync.uncompressedBytesTrigger', 'string', '"1MB"', true, 'required,minBytes=100B,maxBytes=500MB'],
    ['local.encoding.sync.wait', 'bool', 'true', false],
    ['local.volume.assignment.count', 'int', '1', true, 'required,min=1,max=100'],
    ['local.volume.assignment.preferredTypes', '[]string', '["default"]', true, 'required,min=1'],
    ['staging.upload.trigger.count', 'int', '10000', false, 'required,min=1,max=10000000'],
    ['staging.upload.trigger.interval', 'string', '"30s"', false, 'required,minDuration=1s,maxDuration=30m'],
    ['staging.upload.trigger.size', 'string', '"5MB"', false, 'required,minBytes=100B,maxBytes=50MB'],
    ['target.import.trigger.count', 'int', '50000', false, 'required,min=1,max=10000000'],
    ['target.import.trigger.expiration', 'string', '"30m0s"', true, 'required,minDuration=5m,maxDuration=45m'],
    ['target.import.trigger.interval', 'string', '"1m0s"', false, 'required,minDuration=30s,maxDuration=24h'],
    ['target.import.trigger.size', 'string', '"50MB"', false, 'required,minBytes=100B,maxBytes=500MB'],
    ['target.import.trigger.slicesCount', 'int', '100', true, 'required,min=1,max=200'],
  ];

  it('of source and sink are all 27 in their order', async () => {
    const texts = rows.map(([key, type, value, isProtected, validation]) => {
      const description = settingDeclarations.find((declared) => declared.key === level + key)?.description;
      const tail = validation === undefined ? '' : `,"validation":"${validation}"`;
      return (
        `{"key":"${level}${key}","type":"${type}","description":${JSON.stringify(description)},` +
        `"value":${value},"defaultValue":${value},"overwritten":false,"protected":${isProtected}${tail}}`
      );
    });
    for (const path of ['s', 's/sinks/k']) expect(await textOf(`${sources}/${path}/settings`)).toBe(`{"settings":[${texts.join(',')}]}`);
  });
});

describe('statistics', () => {
  const statistics = `${sources}/s/sinks/k/statistics`;
  const levelText =
    '{"firstRecordAt":"1970-01-01T00:00:00.000Z","lastRecordAt":"1970-01-01T00:00:59.000Z","recordsCount":10,"compressedSize":200,"uncompressedSize":900}';
  const zero = '{"total":{"recordsCount":0,"compressedSize":0,"uncompressedSize":0},"levels":{}}';

  it('of a sink, from the first record to a clear of sink or source', async () => {
    expect(await textOf(`${statistics}/total`)).toBe(`{"total":${levelText},"levels":{"target":${levelText}}}`);
    const imported =
      '{"state":"imported","openedAt":"2026-06-24T09:00:00.000Z","closingAt":"2026-06-24T09:01:00.000Z","importingAt":"2026-06-24T09:02:00.000Z",' +
      `"importedAt":"2026-06-24T09:03:00.000Z","statistics":{"total":${levelText},"levels":{"target":${levelText}}}}`;
    const writing = '{"state":"writing","openedAt":"2026-06-24T09:59:00.000Z","statistics":{"total":null,"levels":{}}}';
    expect(await textOf(`${statistics}/files`)).toBe(`{"files":[${imported},${writing}]}`);
    expect(await textOf(`${statistics}/files?failedFiles=true`)).toBe('{"files":[]}');
    for (const path of [`${statistics}/clear`, `${sources}/s/statistics/clear`]) {
      const { status, text, headers } = await api.call('DELETE', path);
      expect([status, text, headers['content-length']]).toEqual([200, '', '0']);
      expect(await textOf(`${statistics}/total`)).toBe(zero);
      expect(await textOf(`${statistics}/files`)).toBe('{"files":[]}');
    }
  });
});

describe('the quarantine', () => {
  const path = '/v1/branches/default/quarantine';

  it('of a branch, a retry and a discard', async () => {
    const { file } = quarantined;
    const page = `"page":{"limit":100,"totalCount":1,"afterId":"","lastId":"${file}"}`;
    const entry =
      `{"file":"${file}","sourceId":"s","sinkId":"k","tableId":"in.c-orders.raw","rows":2,` +
      `"quarantinedAt":"${at}","reason":"no","isDiscarding":false}`;
    expect(await textOf(path)).toBe(`{"projectId":1,"branchId":1,${page},"files":[${entry}]}`);
    expect((await api.post(`${path}/retry`, { file })).text).toBe(`{"file":"${file}","rows":2,"state":"importing"}\n`);
    expect((await api.post(`${path}/discard`, { file })).text).toBe(`{"file":"${file}","rows":2,"state":"discarded"}\n`);
  });
});
