import { glob, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import { runSluice } from '../support/run-sluice.ts';
import { type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** Slices rotate after four rows; the file that holds them after eight. */
const flags = [
  '--storage-level-staging-upload-trigger-count',
  '4',
  '--storage-level-staging-upload-min-interval',
  '0s',
  '--storage-level-target-import-trigger-count',
  '8',
  '--storage-level-target-import-min-interval',
  '0s',
];
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let dataDir: string;
let service: RunningSluice;
beforeAll(async () => {
  folder = await openTempFolder();
  dataDir = join(folder.path, 'data');
  service = await startSluice({ dataDir, flags });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function flip(path: string, at: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = (await readFile(path)).readUInt8(at);
  await file.write(Buffer.from([byte ^ 4]), 0, 1, at);
}

test('a member that is damaged in the shared inode between upload and import costs its rows; all others arrive, once', async () => {
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('events');
  await api.createTableSink('events', { sinkId: 'rows', tableId: 'in.c-d.rows', columns: [{ type: 'body', name: 'body' }] });
  const post = async (body: string) => expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
  const status = async () => JSON.parse((await runSluice('status', '--files', '--data-dir', dataDir, '--json')).out);
  for (const body of ['a', 'b', 'c', 'd']) await post(body);
  await waitFor(status, ({ sinks }) => sinks[0]?.rows.staged === 4);
  const [object = ''] = await Array.fromAsync(glob(join(dataDir, 'staging/data/**/*.csv.gz')));
  const parts = (await Array.fromAsync(glob(join(dataDir, 'volumes/*/*/1/1/events/rows/*/*.csv.gz')))).sort();
  const [part = ''] = parts;
  expect((await stat(object)).ino, 'one inode').toBe((await stat(part)).ino);
  await flip(part, 80);

  for (const body of ['e', 'f', 'g', 'h']) await post(body);
  const report = await waitFor(status, ({ sinks }) => sinks[0]?.rows.imported === 7);
  expect(report.sinks[0]).toMatchObject({
    rows: { local: 0, staged: 0, quarantined: 0, imported: 7, damaged: 1, discarded: 0 },
    conservation: { accepted: 8, violations: [] },
    quarantined: [],
    stagedAgain: [
      { file: expect.stringMatching(/^1\/1\/events\/rows\//), reason: expect.stringContaining('was changed since its upload') },
    ],
  });
  const bodies = (await queryRows(dataDir, 'SELECT body FROM "in.c-d"."rows" ORDER BY body')).flat();
  expect(bodies).toEqual(['b', 'c', 'd', 'e', 'f', 'g', 'h']);
  const damaged = report.files.find(({ damagedRows }: { damagedRows: number }) => damagedRows === 1);
  const slice = damaged.slices.find(({ damagedRows }: { damagedRows: number }) => damagedRows === 1).slice;

  const text = (await runSluice('status', '--files', '--data-dir', dataDir)).out;
  expect(text).toContain(`staged again from its local parts: ${damaged.file}: `);
  expect(text).toContain(`  slice ${slice}  uploaded  3 rows, 1 damaged\n`);
  expect(text).toContain('the disk destroyed rows: check it');
  const fsck = await runSluice('fsck', dataDir, '--json');
  expect(fsck.code).toBe(1);
  expect(JSON.parse(fsck.out).findings).toMatchObject([
    { type: 'damagedMember', path: expect.stringMatching(/^1\/1\/events\/rows\//), offset: 0, rows: 1 },
  ]);
  expect(part.endsWith(JSON.parse(fsck.out).findings[0].path)).toBe(true);
});
