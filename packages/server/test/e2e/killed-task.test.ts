import { listDeletedSources, undeleteSource } from '@sluice/contract/lifecycle-operations';
import { deleteSource, getTask, listSinks, listSources } from '@sluice/contract/operations';
import { expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const params = { sourceId: 'shop' };
const cascade = { params, query: { cascade: true } };

test('a task whose process is killed ends as an error at the next start, and its operation can be repeated', async () => {
  await using folder = await openTempFolder();
  const dataDir = `${folder.path}/data`;
  const clientOf = ({ urls }: RunningSluice, token: string | undefined) => new ApiClient({ apiUrl: urls['api'] ?? '', token: token ?? '' });

  await using killed = await startSluice({ dataDir, flags: demoFlags });
  const before = clientOf(killed, killed.token);
  const url = await before.createSource('shop');
  const columns = [{ type: 'body', name: 'body' }];
  await before.createTableSink('shop', { sinkId: 'orders', tableId: 'in.c-shop.orders', columns });
  expect((await fetch(url, { method: 'POST', body: 'row' })).status).toBe(200);
  // It waits for the row to be imported, which takes longer than the signal.
  const task = await before.call(deleteSource, cascade);
  killed.process.kill('SIGKILL');
  await killed.exited;

  await using service = await startSluice({ dataDir, flags: demoFlags });
  const after = clientOf(service, killed.token);
  expect(await after.call(getTask, { params: task })).toEqual({
    ...task,
    url: expect.stringContaining(task.taskId),
    status: 'error',
    isFinished: true,
    finishedAt: expect.any(String),
    duration: expect.any(Number),
    error: 'The service stopped before the task was finished.',
  });

  // Wherever the task was cut off, the source is there whole or deleted whole.
  const { sources: deleted } = await after.call(listDeletedSources);
  if (deleted.length > 0) await after.run(undeleteSource, { params });
  expect(await after.call(listSinks, { params })).toMatchObject({ sinks: [{ sinkId: 'orders' }] });
  await after.run(deleteSource, cascade);
  expect(await after.call(listSources)).toMatchObject({ sources: [] });
  expect(await after.call(listDeletedSources)).toMatchObject({ sources: [] });
  expect(await queryRows(dataDir, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'orders'")).toEqual([]);
});
