import { existsSync } from 'node:fs';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ApiClient } from '../../support/api-client.ts';
import { conservationProblems } from '../../support/check-conservation.ts';
import { queryRows } from '../../support/query.ts';
import { runSluice } from '../../support/run-sluice.ts';
import { openSmallDisk } from '../../support/small-disk.ts';
import { demoFlags, type RunningSluice, startSluice } from '../../support/start-sluice.ts';
import { ConservationWatch } from '../../support/watch-conservation.ts';
import { DiskLoad } from './disk-load.ts';

const mb = 1024 ** 2;
const diskMegabytes = 192;
const tables = [{ sinkId: 'all', sql: '"in.c-disk"."events"' }];

interface Disk {
  readonly root: string;
  readonly dataDir: string;
  readonly filler: string;
}
const diskAt = (root: string): Disk => ({ root, dataDir: join(root, 'data'), filler: join(root, 'filler') });

const start = ({ dataDir }: Disk, flags: readonly string[]): Promise<RunningSluice> =>
  startSluice({ dataDir, flags: [...demoFlags, '--storage-retention-data', '0s', '--storage-retention-record', '0s', ...flags] });

async function createSink({ urls, token }: RunningSluice): Promise<string> {
  const api = new ApiClient({ apiUrl: String(urls['api']), token: String(token) });
  const url = await api.createSource('disk');
  await api.createTableSink('disk', {
    sinkId: 'all',
    tableId: 'in.c-disk.events',
    columns: [
      { type: 'path', name: 'id', path: 'id', rawString: true },
      { type: 'body', name: 'body' },
    ],
  });
  return url;
}

async function freeMegabytes(root: string): Promise<number> {
  const { bavail, bsize } = await statfs(root);
  return (bavail * bsize) / mb;
}

/** Takes what is free of the disk but `leaveMegabytes`, as another program would. */
async function fill({ root, filler }: Disk, leaveMegabytes: number): Promise<void> {
  await using file = await open(filler, 'a');
  const block = Buffer.alloc(64 * 1024, 1);
  try {
    while (leaveMegabytes === 0 || (await freeMegabytes(root)) > leaveMegabytes) await file.writeFile(block);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

/** Everything acknowledged is in the table once, and nothing that was surely refused. */
async function expectExactlyOnce(dataDir: string, load: DiskLoad): Promise<void> {
  const rowsIn = async () => (await queryRows(dataDir, 'SELECT id FROM "in.c-disk"."events"')).map(([id]) => Number(id));
  await expect
    .poll(
      async () => {
        const rows = new Set(await rowsIn());
        return [...load.acknowledged].filter((id) => !rows.has(id)).length;
      },
      { timeout: 60_000, interval: 200 },
    )
    .toBe(0);
  await expect.poll(() => conservationProblems(dataDir, { tables, settled: true }), { timeout: 20_000, interval: 200 }).toEqual([]);
  const rows = await rowsIn();
  expect(rows.length - new Set(rows).size, 'rows that are there twice').toBe(0);
  expect(
    rows.filter((id) => load.refused.has(id)),
    'rows that were surely not stored',
  ).toEqual([]);
  expect(await runSluice('fsck', dataDir)).toMatchObject({ code: 0 });
}

test('a disk that fills up under its reserve: 503 with nothing stored, status says so, and rows are taken again within 2 s', async () => {
  await using disk = await openSmallDisk(diskMegabytes);
  const { root, dataDir, filler } = diskAt(disk.path);
  await using sluice = await start(diskAt(root), [
    '--storage-disk-reserve-percent',
    '20',
    '--storage-disk-reserve-min',
    '0',
    '--storage-disk-ballast',
    '8MB',
  ]);
  const load = new DiskLoad(await createSink(sluice));
  await using conservation = new ConservationWatch(dataDir);
  load.start();
  await load.until(({ acknowledged }) => acknowledged.size > 300);
  await fill(diskAt(root), 30);
  await load.until(({ inRow }) => inRow.refused > 50);
  const operations = String(sluice.urls['operations']);
  const told = async (path: string) => (await fetch(new URL(path, operations))).text();
  // What is imported meanwhile may make room: what is told must be true of a time before and behind which rows were refused.
  for (let isOneTime = false; !isOneTime; ) {
    await load.until(({ inRow }) => inRow.refused > 50);
    const stored = load.acknowledged.size;
    const refused = load.refused.size;
    const [ready, metrics] = [await told('/readyz'), await told('/metrics')];
    await load.until((seen) => seen.acknowledged.size > stored || seen.refused.size > refused + 50);
    isOneTime = load.acknowledged.size === stored;
    if (!isOneTime) continue;
    expect(ready).toContain('rows are refused');
    expect(metrics).toMatch(/sluice_volume_full\{[^}]*\} 1/);
    expect(metrics).toMatch(/sluice_volume_refused_blocks\{[^}]*\} [1-9]/);
  }
  expect(await freeMegabytes(root), 'the reserve is for what is stored already').toBeGreaterThan(10);
  await rm(filler);
  const freedAt = performance.now();
  await load.until(({ inRow }) => inRow.acknowledged > 0);
  expect(performance.now() - freedAt).toBeLessThan(2000);
  await load.until(({ inRow }) => inRow.acknowledged > 200);
  await load.stop();
  expect(await conservation.stop()).toEqual([]);
  expect(load.unexpected).toEqual([]);
  await expectExactlyOnce(dataDir, load);
});

test('a disk without any room left: never an early 200, a start works on it by the ballast, and everything acknowledged arrives once', async () => {
  await using disk = await openSmallDisk(diskMegabytes);
  const { root, dataDir, filler } = diskAt(disk.path);
  const flags = ['--storage-disk-reserve-percent', '0', '--storage-disk-ballast', '12MB'];
  await using first = await start(diskAt(root), flags);
  const url = await createSink(first);
  const ballast = async () =>
    /sluice_volume_ballast_bytes\{[^}]*\} (\d+)/.exec(
      await (await fetch(new URL('/metrics', String(first.urls['operations'])))).text(),
    )?.[1];
  await expect.poll(ballast).toBe(String(12 * mb));
  const load = new DiskLoad(url);
  load.start();
  await load.until(({ acknowledged }) => acknowledged.size > 300);
  // Dies with its ballast in place, and the disk is filled to the last byte before it starts again.
  first.process.kill('SIGKILL');
  await first.exited;
  await load.stop();
  await fill(diskAt(root), 0);
  expect(await freeMegabytes(root)).toBe(0);
  await using second = await start(diskAt(root), flags);
  expect(existsSync(filler)).toBe(true);
  await using conservation = new ConservationWatch(dataDir);
  const again = new DiskLoad(url.replace(String(first.urls['source']), String(second.urls['source'])), load);
  again.start();
  await again.until(({ inRow }) => inRow.refused > 50);
  // What others leave of the ballast's room goes too: every write of the service meets a full disk now.
  await fill(diskAt(root), 0);
  const refusedBefore = again.refused.size;
  await again.until(({ refused }) => refused.size > refusedBefore + 200);
  expect(again.inRow.acknowledged).toBe(0);
  await rm(filler);
  const freedAt = performance.now();
  await again.until(({ inRow }) => inRow.acknowledged > 0);
  expect(performance.now() - freedAt).toBeLessThan(2000);
  await again.until(({ inRow }) => inRow.acknowledged > 200);
  await again.stop();
  expect(await conservation.stop()).toEqual([]);
  expect(again.unexpected).toEqual([]);
  await expectExactlyOnce(dataDir, again);
  expect(await second.stop()).toBe(0);
});

test('neither reserve nor ballast: writes meet the full disk, are taken back, and nothing acknowledged is lost', async () => {
  await using disk = await openSmallDisk(diskMegabytes);
  const { root, dataDir, filler } = diskAt(disk.path);
  await using sluice = await start(diskAt(root), ['--storage-disk-reserve-percent', '0', '--storage-disk-ballast', '0']);
  const load = new DiskLoad(await createSink(sluice));
  await using conservation = new ConservationWatch(dataDir);
  load.start();
  await load.until(({ acknowledged }) => acknowledged.size > 300);
  await fill(diskAt(root), 0);
  await load.until(({ inRow }) => inRow.refused > 50);
  await rm(filler);
  const freedAt = performance.now();
  await load.until(({ inRow }) => inRow.acknowledged > 0);
  expect(performance.now() - freedAt).toBeLessThan(2000);
  await load.until(({ inRow }) => inRow.acknowledged > 200);
  await load.stop();
  expect(await conservation.stop()).toEqual([]);
  expect(load.unexpected).toEqual([]);
  await expectExactlyOnce(dataDir, load);
});
