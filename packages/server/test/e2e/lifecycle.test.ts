import {
  rollbackSinkVersion,
  rollbackSourceVersion,
  rotateSourceSecret,
  undeleteSink,
  undeleteSource,
} from '@sluice/contract/lifecycle-operations';
import { deleteSink, deleteSource, updateSink } from '@sluice/contract/operations';
import { sinkStatisticsTotal } from '@sluice/contract/statistics-operations';
import { expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { demoFlags, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const source = { sourceId: 'shop' };
const sink = { ...source, sinkId: 'orders' };

test('rows go where sources and sinks are, through deletion, undelete, rollback, rotation and erasure', async () => {
  await using folder = await openTempFolder();
  const dataDir = `${folder.path}/data`;
  await using service = await startSluice({ dataDir, flags: demoFlags });
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('shop');
  const create = (sinkId: string, tableId: string) =>
    api.createTableSink('shop', { sinkId, tableId, columns: [{ type: 'body', name: 'body' }] });
  await create('orders', 'in.c-shop.orders');
  await create('other', 'in.c-shop.other');

  const send = async (body: string, to = url) => {
    const response = await fetch(to, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    return [response.status, response.headers.get('x-sluice-stored')];
  };
  const stored = [200, null];
  const rows = async (table: string) => (await queryRows(dataDir, `SELECT body FROM "in.c-shop"."${table}" ORDER BY body`)).flat();
  const tables = async () =>
    (await queryRows(dataDir, "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal ORDER BY 1")).flat();

  expect(await send('1')).toEqual(stored);
  await api.run(deleteSink, { params: sink });
  await expect(api.call(sinkStatisticsTotal, { params: sink })).rejects.toThrow('404');
  expect(await send('2')).toEqual(stored);
  await api.run(undeleteSink, { params: sink });
  expect(await send('3')).toEqual(stored);
  await api.run(deleteSource, { params: source });
  expect((await send('lost'))[0]).toBe(404);
  await api.run(undeleteSource, { params: source });
  expect(await send('4')).toEqual(stored);
  await api.run(updateSink, { params: sink, body: { table: { tableId: 'in.c-shop.moved' } } });
  expect(await send('5')).toEqual(stored);
  await api.run(rollbackSinkVersion, { params: { ...sink, versionNumber: 1 } });
  const rotated = (await api.call(rotateSourceSecret, { params: source })).http?.url ?? '';
  expect((await send('lost'))[0]).toBe(404);
  expect(await send('6', rotated)).toEqual(stored);
  await api.run(rollbackSourceVersion, { params: { ...source, versionNumber: 1 } });
  expect((await send('lost', rotated))[0]).toBe(404);
  expect(await send('7')).toEqual(stored);

  expect(
    await waitFor(
      () => rows('orders'),
      ({ length }) => length === 5,
    ),
  ).toEqual(['1', '3', '4', '6', '7']);
  expect(
    await waitFor(
      () => rows('other'),
      ({ length }) => length === 7,
    ),
  ).toEqual(['1', '2', '3', '4', '5', '6', '7']);
  expect(
    await waitFor(
      () => rows('moved'),
      ({ length }) => length === 1,
    ),
  ).toEqual(['5']);

  // Rows that are on their way do not bring the table back.
  expect(await send('8')).toEqual(stored);
  await api.run(deleteSource, { params: source, query: { cascade: true } });
  // The table of an earlier version is none of a sink's.
  expect((await tables()).filter((name) => String(name).startsWith('in.c-shop'))).toEqual(['in.c-shop.moved']);
  expect((await send('lost'))[0]).toBe(404);

  const again = await api.createSource('shop');
  await api.createTableSink('shop', {
    sinkId: 'orders',
    tableId: 'in.c-shop.orders',
    columns: [
      { type: 'path', name: 'id', path: 'id' },
      { type: 'body', name: 'body' },
    ],
  });
  expect(await send('{"id":"9"}', again)).toEqual(stored);
  expect(
    await waitFor(
      () => rows('orders'),
      ({ length }) => length === 1,
    ),
  ).toEqual(['{"id":"9"}']);
});
