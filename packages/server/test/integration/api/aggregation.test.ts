import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiHarness } from '../../support/api-harness.ts';

describe('the aggregation of sources', () => {
  let api: ApiHarness;
  beforeEach(async () => {
    api = await ApiHarness.open();
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
  });

  const aggregation = '/v1/branches/default/aggregation/sources';
  const sources = '/v1/branches/default/sources';
  const table = { type: 'keboola', tableId: 'in.c-orders.raw', mapping: { columns: [{ type: 'body', name: 'raw' }] } };
  const createSink = (source: string, name: string) => api.create(`${sources}/${source}/sinks`, { type: 'table', name, table });
  const zero = '{"recordsCount":0,"compressedSize":0,"uncompressedSize":0}';
  const textOf = async (path: string) => (await api.get(path)).text.trimEnd();

  it('is empty without sources', async () => {
    expect((await api.get(aggregation)).text).toBe(
      '{"projectId":1,"branchId":1,"page":{"limit":100,"totalCount":0,"afterId":"","lastId":""},"sources":[]}\n',
    );
  });

  it('is the sources with their sinks, and each sink with its statistics behind its own fields', async () => {
    for (const name of ['orders', 'empty']) await api.create(sources, { type: 'http', name });
    await createSink('orders', 'raw');
    await createSink('orders', 'again');
    await api.change('PUT', `${sources}/orders/sinks/raw/disable`);
    const level = { firstRecordAt: '2026-06-24T10:00:00.000Z', lastRecordAt: '2026-06-24T10:00:01.000Z' };
    const total = { ...level, recordsCount: 3, compressedSize: 40, uncompressedSize: 90 };
    const file = { state: 'writing' as const, openedAt: '2026-06-24T10:01:00.000Z', statistics: { total: null, levels: {} } };
    api.statistics.set('1/1/orders/raw', { total, levels: { target: total }, files: [file] });

    const sourceText = await textOf(`${sources}/orders`);
    const again = await textOf(`${sources}/orders/sinks/again`);
    const raw = await textOf(`${sources}/orders/sinks/raw`);
    expect(raw).toContain('"disabled":{');
    const figures =
      '{"firstRecordAt":"2026-06-24T10:00:00.000Z","lastRecordAt":"2026-06-24T10:00:01.000Z","recordsCount":3,"compressedSize":40,"uncompressedSize":90}';
    const files = '[{"state":"writing","openedAt":"2026-06-24T10:01:00.000Z","statistics":{"total":null,"levels":{}}}]';
    const sinks = [
      `${again.slice(0, -1)},"statistics":{"total":${zero},"levels":{},"files":[]}}`,
      `${raw.slice(0, -1)},"statistics":{"total":${figures},"levels":{"target":${figures}},"files":${files}}}`,
    ];
    const empty = await textOf(`${sources}/empty`);
    expect((await api.get(aggregation)).text).toBe(
      '{"projectId":1,"branchId":1,"page":{"limit":100,"totalCount":2,"afterId":"","lastId":"orders"},' +
        `"sources":[${empty.slice(0, -1)},"sinks":[]},${sourceText.slice(0, -1)},"sinks":[${sinks.join(',')}]}]}\n`,
    );
  });

  it('has pages as the list of sources has, disabled sources, and no deleted ones', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await api.create(sources, { type: 'http', name });
    await createSink('c', 'gone');
    await api.change('DELETE', `${sources}/b`);
    await api.change('PUT', `${sources}/c/disable`);
    await api.change('DELETE', `${sources}/c/sinks/gone`);
    const { body } = await api.get(`${aggregation}?afterId=a&limit=1`);
    expect(body).toMatchObject({ page: { limit: 1, totalCount: 3, afterId: 'a', lastId: 'c' }, sources: [{ sourceId: 'c', sinks: [] }] });
    expect((await api.get(`${aggregation}?limit=101`)).body['error']).toBe('stream.api.invalidRange');
  });

  it('is read with any token of the project, and by GET only', async () => {
    expect((await api.call('GET', aggregation, { headers: { 'x-storageapi-token': api.readToken } })).status).toBe(200);
    expect((await api.call('POST', aggregation, { payload: {} })).status).toBe(405);
  });
});
