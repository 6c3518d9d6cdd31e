import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { openapi3Json } from '@sluice/contract/documentation-operations';
import { discardQuarantinedFile, listQuarantine, retryQuarantinedFile } from '@sluice/contract/quarantine-operations';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { runSluice } from '../support/run-sluice.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** Two files that the table refuses: one is imported once the table is mended, the other given up. */
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let dataDir: string;
let service: RunningSluice;
let token = '';
beforeAll(async () => {
  folder = await openTempFolder();
  dataDir = `${folder.path}/data`;
  service = await startSluice({ dataDir, flags: demoFlags });
  token = service.token ?? '';
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const api = () => new ApiClient({ apiUrl: service.urls['api'] ?? '', token });
const filesSchema = z.array(
  z.object({ file: z.string(), rows: z.int(), quarantinedAt: z.string(), reason: z.string(), isDiscarding: z.boolean() }),
);
const quarantine = async () => filesSchema.parse(JSON.parse((await sluice('list', '--json')).out));
const sluice = (...args: readonly string[]) => runSluice('quarantine', ...args, '--data-dir', dataDir);
const rowsOfStatus = async () => JSON.parse((await runSluice('status', '--data-dir', dataDir, '--json')).out).sinks[0].rows;

/** While the service is stopped, as somebody with the database file could. */
async function changeTable(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(dataDir, 'tables', '1.duckdb'));
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

async function post(url: string, rows: readonly string[]): Promise<void> {
  for (const body of rows) expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
}

test('a file is refused, listed, retried and discarded, by command and API, running and stopped', async () => {
  const url = await api().createSource('events');
  await api().createTableSink('events', { sinkId: 'rows', tableId: 'in.c-q.rows', columns: [{ type: 'body', name: 'body' }] });
  expect(await service.stop()).toBe(0);
  await changeTable('ALTER TABLE "in.c-q"."rows" ADD COLUMN must VARCHAR; ALTER TABLE "in.c-q"."rows" ALTER must SET NOT NULL');
  service = await startSluice({ dataDir, flags: demoFlags });
  const at = new URL(new URL(url).pathname, service.urls['source']).href;
  await post(at, ['one', 'two']);
  await waitFor(quarantine, (files) => files.length === 1);
  await post(at, ['three']);
  const files = await waitFor(quarantine, (found) => found.length === 2);
  expect(files.map(({ rows }) => rows)).toEqual([2, 1]);
  expect(files[0]?.reason).toContain('must');
  const [first = { file: '' }, second = { file: '' }] = files;
  expect(await rowsOfStatus()).toMatchObject({ quarantined: 3, imported: 0, discarded: 0 });
  const metrics = await (await fetch(new URL('/metrics', service.urls['operations']))).text();
  expect(metrics).toContain('sluice_storage_rows{place="quarantined"} 3');
  expect((await sluice('list')).out).toContain(`${first.file}  2 rows  since `);

  const readyz = await fetch(new URL('/readyz', service.urls['operations']));
  expect([readyz.status, await readyz.json()]).toMatchObject([
    200,
    { ready: true, checks: { quarantine: { ready: true, detail: expect.stringContaining('2 of 1/1/events/rows') } } },
  ]);

  // The API: admins only, and only their branch.
  expect(await api().call(listQuarantine)).toMatchObject({ page: { totalCount: 2, lastId: second.file }, files });
  expect(await api().call(listQuarantine, { query: { limit: 1, afterId: first.file } })).toMatchObject({ files: [files[1]] });
  const read = JSON.parse((await runSluice('token', 'create', '--role', 'read', '--data-dir', dataDir, '--json')).out);
  const reader = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: read.token });
  await expect(reader.call(listQuarantine)).rejects.toThrow('stream.api.forbidden');
  await expect(reader.call(discardQuarantinedFile, { body: { file: first.file } })).rejects.toThrow('stream.api.forbidden');
  const foreign = api().call(retryQuarantinedFile, { body: { file: `2/${first.file.slice(2)}` } });
  await expect(foreign).rejects.toThrow('stream.api.quarantinedFileNotFound');
  const { paths } = await api().call(openapi3Json);
  expect(paths).toHaveProperty([retryQuarantinedFile.path]);

  // Still refused: the retry runs at once and ends in quarantine again.
  const before = (await quarantine())[0]?.quarantinedAt;
  expect(await api().call(retryQuarantinedFile, { body: { file: first.file } })).toEqual({ file: first.file, rows: 2, state: 'importing' });
  const isRefusedAgain = (found: Awaited<ReturnType<typeof quarantine>>) => found.length === 2 && found[0]?.quarantinedAt !== before;
  expect(await waitFor(quarantine, isRefusedAgain)).toSatisfy(isRefusedAgain);

  expect((await sluice('discard', second.file)).out).toBe(`${second.file}  1 rows  discarded\n`);
  expect(await rowsOfStatus()).toMatchObject({ quarantined: 2, imported: 0, discarded: 1 });
  const again = await sluice('discard', second.file);
  expect(again).toMatchObject({ code: 64, err: expect.stringContaining(`There is no file "${second.file}" in quarantine`) });

  expect(await service.stop()).toBe(0);
  await changeTable('ALTER TABLE "in.c-q"."rows" ALTER must DROP NOT NULL');
  expect(await quarantine()).toMatchObject([{ file: first.file }]);
  expect(JSON.parse((await sluice('retry', first.file, '--json')).out)).toEqual({ file: first.file, rows: 2, state: 'importing' });
  service = await startSluice({ dataDir, flags: demoFlags });
  const bodies = async () => (await queryRows(dataDir, 'SELECT body FROM "in.c-q"."rows" ORDER BY body')).flat();
  expect(await waitFor(bodies, (found) => found.length > 0)).toEqual(['one', 'two']);
  expect(await rowsOfStatus()).toMatchObject({ quarantined: 0, imported: 2, discarded: 1, staged: 0, local: 0, damaged: 0 });
});
