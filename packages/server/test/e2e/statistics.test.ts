import { aggregationSources } from '@sluice/contract/aggregation-operations';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import { ApiClient } from '../support/api-client.ts';
import { runSluice } from '../support/run-sluice.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** Statistics over HTTP say what `sluice status` says. */
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let service: RunningSluice;
beforeAll(async () => {
  folder = await openTempFolder();
  service = await startSluice({ dataDir: `${folder.path}/data`, flags: demoFlags });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const source = '/v1/branches/default/sources/shop';
const sink = `${source}/sinks/orders`;
const zero = '{"total":{"recordsCount":0,"compressedSize":0,"uncompressedSize":0},"levels":{}}\n';
const call = async (method: string, path: string, token = service.token ?? '') => {
  const response = await fetch(new URL(path, service.urls['api']), { method, headers: { 'X-StorageApi-Token': token } });
  return { status: response.status, text: await response.text() };
};
const levelSchema = z.object({ recordsCount: z.int() });
const totalSchema = z.object({
  total: levelSchema,
  levels: z.object({ local: levelSchema.optional(), staging: levelSchema.optional(), target: levelSchema.optional() }),
});
const total = async () => totalSchema.parse(JSON.parse((await call('GET', `${sink}/statistics/total`)).text));
const filesSchema = z.object({
  files: z.array(z.object({ state: z.string(), openedAt: z.string(), statistics: z.object({ total: levelSchema.nullable() }) })),
});
const files = async (query = '') => filesSchema.parse(JSON.parse((await call('GET', `${sink}/statistics/files${query}`)).text)).files;
const statusSchema = z.object({ sinks: z.array(z.object({ rows: z.record(z.string(), z.int()) })) });
const statusRows = async () => {
  const answer = await callAdmin(`${folder.path}/data`, 'status', {});
  return answer.running ? (statusSchema.parse(answer.output).sinks[0]?.rows ?? {}) : {};
};

test('total, files and clear of a sink, from its first row to its import', async () => {
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('shop');
  await api.createTableSink('shop', { sinkId: 'orders', tableId: 'in.c-shop.orders', columns: [{ type: 'body', name: 'body' }] });
  expect(await call('GET', `${sink}/statistics/total`)).toEqual({ status: 200, text: zero });
  expect((await call('GET', `${sink}/statistics/files`)).text).toMatch(
    /^\{"files":\[\{"state":"writing","openedAt":"[^"]{24}","statistics":\{"total":null,"levels":\{\}\}\}\]\}\n$/,
  );

  for (const body of ['one', 'two', 'three']) expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
  const seen = new Set<string>();
  const counted = await waitFor(total, ({ total: { recordsCount }, levels }) => {
    for (const name of Object.keys(levels)) seen.add(name);
    return recordsCount === 3 && levels.target?.recordsCount === 3;
  });
  expect(counted).toEqual({ total: expect.objectContaining({ recordsCount: 3 }), levels: { target: counted.total } });
  expect([...seen][0]).toBe('local');
  expect(await statusRows()).toMatchObject({ local: 0, staged: 0, quarantined: 0, imported: 3 });
  const listed = await files();
  expect(listed.map(({ state, statistics }) => [state, statistics.total?.recordsCount])).toEqual([
    ['imported', 3],
    ['writing', undefined],
  ]);
  expect(await files('?failedFiles=true')).toEqual([]);
  const aggregated = async () => (await api.call(aggregationSources)).sources[0]?.sinks[0]?.statistics;
  expect(await aggregated()).toMatchObject({ ...counted, files: [{ state: 'writing' }, { state: 'imported' }] });
  expect((await call('GET', `${sink}/statistics/files?failedFiles=maybe`)).text).toContain('stream.api.invalidFieldType');

  expect(await call('DELETE', `${sink}/statistics/clear`)).toEqual({ status: 200, text: '' });
  expect(await call('GET', `${sink}/statistics/total`)).toEqual({ status: 200, text: zero });
  expect(await files()).toEqual([]);
  expect(await aggregated()).toMatchObject({
    total: { recordsCount: 0 },
    levels: {},
    files: [{ state: 'writing' }, { state: 'imported' }],
  });
  expect(await statusRows(), 'the rows are where they were').toMatchObject({ imported: 3 });
  expect((await fetch(url, { method: 'POST', body: 'four' })).status).toBe(200);
  expect((await waitFor(total, ({ levels }) => levels.target !== undefined)).levels.target?.recordsCount).toBe(1);
  expect(await call('DELETE', `${source}/statistics/clear`)).toEqual({ status: 200, text: '' });
  expect((await call('GET', `${sink}/statistics/total`)).text).toBe(zero);
  expect(service.log()).toContain('"msg":"Statistics clear for sink \\"1/1/shop/orders\\" used 2 operations"');
  expect(service.log()).toContain('"msg":"Statistics clear for source \\"1/1/shop\\" reset 1 sinks"');
});

test('a source or sink that is not there has no statistics, and readers clear none', async () => {
  const nameOf = ({ status, text }: { status: number; text: string }) => [
    status,
    z.object({ error: z.string() }).parse(JSON.parse(text)).error,
  ];
  const noSource = [404, 'stream.api.sourceNotFound'];
  const noSink = [404, 'stream.api.sinkNotFound'];
  for (const path of ['total', 'files']) {
    expect(nameOf(await call('GET', `${source}-2/sinks/orders/statistics/${path}`))).toEqual(noSource);
    expect(nameOf(await call('GET', `${sink}-2/statistics/${path}`))).toEqual(noSink);
  }
  expect(nameOf(await call('DELETE', `${source}-2/statistics/clear`))).toEqual(noSource);
  expect(nameOf(await call('DELETE', `${sink}-2/statistics/clear`))).toEqual(noSink);
  const made = await runSluice('token', 'create', '--role', 'read', '--data-dir', `${folder.path}/data`, '--json');
  const { token } = z.object({ token: z.string() }).parse(JSON.parse(made.out));
  expect((await call('GET', `${sink}/statistics/total`, token)).status).toBe(200);
  for (const path of [source, sink]) {
    expect(nameOf(await call('DELETE', `${path}/statistics/clear`, token))).toEqual([403, 'stream.api.forbidden']);
  }
});
