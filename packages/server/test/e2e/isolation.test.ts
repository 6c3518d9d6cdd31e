import { deleteSource } from '@sluice/contract/operations';
import { expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { runSluice } from '../support/run-sluice.ts';
import { demoFlags, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const sql = 'SELECT * FROM "in.c-shop"."orders" ORDER BY ALL';

test('two projects, and two branches of one, have the same ids of sources, sinks and tables', async () => {
  await using folder = await openTempFolder();
  const dataDir = `${folder.path}/data`;
  await using service = await startSluice({ dataDir, flags: demoFlags });
  const openTenant = async (projectId: number, branchId: number) => {
    const branch = ['--project', `${projectId}`, '--branch', `${branchId}`];
    const { token } = JSON.parse((await runSluice('token', 'create', ...branch, '--data-dir', dataDir, '--json')).out);
    const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token });
    const url = await api.createSource('shop');
    // Columns tell the tables apart too.
    const columns = [{ type: 'body', name: `body_${projectId}_${branchId}` }];
    await api.createTableSink('shop', { sinkId: 'orders', tableId: 'in.c-shop.orders', columns });
    return { api, url, name: `${projectId}/${branchId}`, rows: () => queryRows(dataDir, sql, { projectId, branchId }) };
  };
  const tenants = [await openTenant(1, 1), await openTenant(2, 1), await openTenant(1, 2)] as const;
  const send = async (url: string, body: string) => (await fetch(url, { method: 'POST', body })).status;
  for (const { url, name } of tenants) {
    expect(await send(url, name)).toBe(200);
    // A secret of one project opens nothing in another.
    expect(
      await send(
        url.replace(/stream\/(\d)/, (_, id) => `stream/${id === '1' ? 2 : 1}`),
        'foreign',
      ),
    ).toBe(404);
  }
  const hasRow = (rows: unknown[][]) => rows.length > 0;
  for (const { rows, name } of tenants) expect(await waitFor(rows, hasRow)).toEqual([[name]]);
  for (const [flags, value] of [
    [[], { body_1_1: '1/1' }],
    [['--project', '2'], { body_2_1: '2/1' }],
    [['--branch', '2'], { body_1_2: '1/2' }],
  ] as const) {
    expect(JSON.parse((await runSluice('query', sql, ...flags, '--data-dir', dataDir, '--json')).out)).toEqual([value]);
  }

  const [first, ...others] = tenants;
  await first.api.run(deleteSource, { params: { sourceId: 'shop' }, query: { cascade: true } });
  await expect(first.rows()).rejects.toThrow('orders');
  for (const { rows, url, name } of others) {
    expect(await rows()).toEqual([[name]]);
    expect(await send(url, 'more')).toBe(200);
  }
  expect(await send(first.url, 'lost')).toBe(404);
});
