import { aggregationSources } from '@sluice/contract/aggregation-operations';
import { Client } from '@sluice/contract/client';
import { openapi3Json, openapi3Yaml, openapiYaml } from '@sluice/contract/documentation-operations';
import {
  createSink,
  createSource,
  deleteSink,
  deleteSource,
  disableSource,
  enableSource,
  getSink,
  getSource,
  listSinks,
  listSinkVersions,
  listSources,
  sinkVersionDetail,
  testSource,
  updateSink,
} from '@sluice/contract/operations';
import { getSourceSettings, updateSinkSettings } from '@sluice/contract/settings-operations';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ApiHarness } from '../../support/api-harness.ts';

let api: ApiHarness;
let client: Client;
beforeEach(async () => {
  api = await ApiHarness.open();
  client = new Client({ apiUrl: await api.listen(), token: api.token });
});
afterEach(() => api[Symbol.asyncDispose]());

const source = { sourceId: 'web-shop' };
const sink = { ...source, sinkId: 'orders' };
const columns = [{ type: 'path' as const, name: 'no', path: 'order.no' }];

it('does with a source and a sink what people do with them', async () => {
  const task = await client.run(createSource, { body: { type: 'http', name: 'Web shop' } });
  expect(task).toMatchObject({ status: 'success', outputs: source });
  const table = { type: 'keboola' as const, tableId: 'in.c-shop.orders', mapping: { columns } };
  await client.run(createSink, { params: source, body: { type: 'table', name: 'Orders', table } });
  expect(await client.call(getSink, { params: sink })).toMatchObject({ ...sink, table: { mapping: { columns } } });
  expect(await client.call(listSinks, { params: source, query: { limit: 1 } })).toMatchObject({ page: { limit: 1 }, sinks: [sink] });

  const rawBody = { contentType: 'application/json', text: '{"order":{"no":7}}' };
  expect(await client.call(testSource, { params: source, rawBody })).toMatchObject({
    tables: [{ sinkId: 'orders', rows: [{ columns: [{ name: 'no', value: '7' }] }] }],
  });

  await client.run(updateSink, { params: sink, body: { name: 'All orders', changeDescription: 'A better name.' } });
  await client.run(updateSinkSettings, {
    params: sink,
    body: { settings: [{ key: 'storage.level.staging.upload.trigger.interval', value: '45s' }] },
  });
  const { versions } = await client.call(listSinkVersions, { params: sink, query: { afterId: '1' } });
  expect(versions.map(({ description }) => description)).toEqual(['A better name.', 'Updated settings.']);
  expect(await client.call(sinkVersionDetail, { params: { ...sink, versionNumber: 2 } })).toEqual(versions[0]);
  expect((await client.call(getSourceSettings, { params: source })).settings).toHaveLength(27);

  await client.run(disableSource, { params: source });
  expect(await client.call(getSource, { params: { ...source, branchId: '1' } })).toMatchObject({ disabled: { reason: 'API' } });
  await client.run(enableSource, { params: source });
  expect(await client.call(aggregationSources)).toMatchObject({ sources: [{ ...source, sinks: [sink] }] });
  await client.run(deleteSink, { params: sink });
  await client.run(deleteSource, { params: source, query: { cascade: false } });
  expect(await client.call(listSources)).toMatchObject({ sources: [] });
});

it('reads the documents in their forms', async () => {
  expect(await client.call(openapi3Json)).toMatchObject({ openapi: '3.1.0' });
  expect(await client.call(openapi3Yaml)).toMatch(/^openapi: 3\.1\.0\n/);
  expect(await client.call(openapiYaml)).toMatch(/^swagger: "2\.0"\n/);
});

it('tells what the service refuses, and tasks that fail', async () => {
  await expect(client.call(getSource, { params: source })).rejects.toMatchObject({
    status: 404,
    body: { error: 'stream.api.sourceNotFound', message: 'Source "web-shop" not found in the branch.' },
  });
  api.hooks.prepareTarget = async () => {
    throw new Error('a bug');
  };
  await client.run(createSource, { body: { type: 'http', name: 'Web shop' } });
  const table = { type: 'keboola' as const, tableId: 'in.c-shop.orders', mapping: { columns } };
  const failing = client.run(createSink, { params: source, body: { type: 'table', name: 'Orders', table } });
  await expect(failing).rejects.toMatchObject({ name: 'TaskError', message: 'api.create.sink: Unknown error' });
});
