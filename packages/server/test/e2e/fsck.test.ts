import { appendFile, glob, open, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { runSluice } from '../support/run-sluice.ts';
import { type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** Slices rotate after four rows; files do not, so that nothing is imported meanwhile. */
const flags = ['--storage-level-staging-upload-trigger-count', '4', '--storage-level-staging-upload-min-interval', '0s'];
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

async function flip(path: string, at: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = (await readFile(path)).readUInt8(at);
  await file.write(Buffer.from([byte ^ 4]), 0, 1, at);
}

test('fsck of a folder and a volume: clean while the service runs, damage and tears named when it was killed, tears repaired', async () => {
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('events');
  await api.createTableSink('events', { sinkId: 'rows', tableId: 'in.c-f.rows', columns: [{ type: 'body', name: 'body' }] });
  const post = async (body: string) => expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
  for (const body of ['a', 'b', 'c', 'd']) await post(body);
  const status = async () => JSON.parse((await runSluice('status', '--data-dir', dataDir, '--json')).out);
  await waitFor(status, ({ sinks }) => sinks[0]?.rows.staged === 4);
  for (const body of ['e', 'f']) await post(body);
  const live = await runSluice('fsck', dataDir);
  expect(live).toMatchObject({ code: 0, err: '' });
  expect(live.out).toMatch(
    /^1 slices are open in the running service: checked up to what is durable in them\n2 slices, 2 parts, .*: clean\n$/,
  );
  const refused = await runSluice('fsck', dataDir, '--repair');
  expect(refused).toMatchObject({ code: 69, out: '', err: expect.stringMatching(/^sluice: A service holds the folder, [^\n]+\.\n$/) });

  service.process.kill('SIGKILL');
  await service.exited;
  const [sealed = '', unsealed = ''] = (await Array.fromAsync(glob(`${dataDir}/volumes/*/*/1/1/events/rows/*/*.csv.gz`))).sort();
  const volume = sealed.slice(0, sealed.indexOf('/1/1/events/'));
  expect(await runSluice('fsck', volume)).toMatchObject({ code: 0, out: expect.stringContaining(': clean\n') });
  await flip(sealed, 80);
  await appendFile(unsealed, Buffer.from([0x1f, 0x8b, 8]));
  const found = await runSluice('fsck', dataDir, '--json');
  expect(found.code).toBe(1);
  const report = JSON.parse(found.out);
  expect(report).toMatchObject({ clean: false, slices: 2, parts: 2, openSlices: 0 });
  expect(report.findings).toMatchObject([
    { type: 'damagedMember', path: sealed.slice(volume.length + 1), offset: 0, rows: 1 },
    { type: 'tornTail', path: unsealed.slice(volume.length + 1), length: 3 },
  ]);
  const text = await runSluice('fsck', volume);
  expect(text).toMatchObject({
    code: 1,
    out: expect.stringMatching(/bytes 0\.\.\d+ {2}1 rows: damaged member\n.*torn tail[^\n]*\n.*: 2 problems\n$/),
  });
  const repaired = await runSluice('fsck', dataDir, '--repair');
  expect(repaired).toMatchObject({ code: 1, out: expect.stringMatching(/cuts it off {2}repaired\n.*: 1 repaired, 1 problems\n$/) });
  expect(JSON.parse((await runSluice('fsck', dataDir, '--json')).out).findings).toHaveLength(1);
  const [tail = ''] = await Array.fromAsync(glob(`${unsealed}.*.torn`));
  expect(await readFile(tail)).toHaveLength(3);

  const nowhere = await runSluice('fsck', `${folder.path}/nowhere`);
  expect(nowhere).toMatchObject({ code: 69, err: expect.stringContaining('There is no data folder') });
});
