import { existsSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { runSluice } from '../support/run-sluice.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** The metadata store is replaced by a copy that is older than a slice: its rows go to lost+found and come back. */
const flags = [...demoFlags, '--storage-retention-unknown', '0s'];
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let dataDir: string;
let service: RunningSluice;
beforeAll(async () => {
  folder = await openTempFolder();
  dataDir = `${folder.path}/data`;
  service = await startSluice({ dataDir, flags });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const metadata = ['metadata.db', 'metadata.db-wal', 'metadata.db-shm'];
async function copyMetadata(from: string, to: string): Promise<void> {
  for (const name of metadata) {
    await rm(`${to}/${name}`, { force: true });
    if (existsSync(`${from}/${name}`)) await cp(`${from}/${name}`, `${to}/${name}`);
  }
}

test('rows that only the disk knows are moved away, named, taken back and imported once', async () => {
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('events');
  await api.createTableSink('events', { sinkId: 'rows', tableId: 'in.c-a.rows', columns: [{ type: 'body', name: 'body' }] });
  const bodies = async () => (await queryRows(dataDir, 'SELECT body FROM "in.c-a"."rows" ORDER BY body')).flat();
  const post = async (body: string) => {
    const at = new URL(new URL(url).pathname, service.urls['source']);
    expect((await fetch(at, { method: 'POST', body })).status).toBe(200);
  };
  // The file and slice of this row are imported and known in the copy; their successors too, empty.
  await post('before');
  expect(await waitFor(bodies, (found) => found.length === 1)).toEqual(['before']);
  expect(await service.stop()).toBe(0);
  await copyMetadata(dataDir, folder.path);

  // Rotation has opened one more slice when these rows come, so the copy does not know their slice.
  service = await startSluice({ dataDir, flags });
  await post('known slice');
  expect(await waitFor(bodies, (found) => found.length === 2)).toEqual(['before', 'known slice']);
  await post('lost');
  service.process.kill('SIGKILL');
  await service.exited;
  await copyMetadata(folder.path, dataDir);

  service = await startSluice({ dataDir, flags });
  const status = async () => JSON.parse((await runSluice('status', '--data-dir', dataDir, '--json')).out);
  await waitFor(status, ({ volumes }) => volumes[0].lostFolders > 0);
  const metrics = await (await fetch(new URL('/metrics', service.urls['operations']))).text();
  expect(metrics).toMatch(/^sluice_storage_lost_folders [1-9]/m);
  expect((await runSluice('status', '--data-dir', dataDir)).out).toMatch(/lost\+found: \d folders that metadata did not know/);
  const found = await runSluice('fsck', dataDir, '--json');
  expect(found.code).toBe(1);
  expect(JSON.parse(found.out).findings).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'lostFolder' })]));
  const adopted = await runSluice('fsck', dataDir, '--adopt', '--json');
  const { adoptions, findings } = JSON.parse(adopted.out);
  expect(adoptions.length).toBeGreaterThan(0);
  expect(adoptions.every((adoption: { adopted: boolean }) => adoption.adopted)).toBe(true);
  expect([adopted.code, findings]).toEqual([0, []]);
  expect(await waitFor(bodies, (rows) => rows.includes('lost'))).toEqual(['before', 'known slice', 'lost']);
  expect((await status()).volumes[0].lostFolders).toBe(0);
});
