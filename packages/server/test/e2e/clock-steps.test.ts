import { mkdir } from 'node:fs/promises';
import { updateSink } from '@sluice/contract/operations';
import { expect, test } from 'vitest';
import { checkFolder, checkRemains } from '../crash/check-folder.ts';
import { CrashFolder, tables } from '../crash/crash-folder.ts';
import { EventLoad } from '../crash/event-load.ts';
import { SteppedClock } from '../proofs/shim/stepped-clock.ts';
import { ApiClient } from '../support/api-client.ts';
import { queryRows } from '../support/query.ts';
import type { RunningSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { ConservationWatch } from '../support/watch-conservation.ts';

const hourMs = 3_600_000;
const connections = 16;
/** Several slices and files of each sink. */
const rowsOfPhase = 600;
const never = Number.POSITIVE_INFINITY;

/** Import ids of the files that are not cleaned up yet. */
const ledger = async ({ dataDir }: CrashFolder): Promise<Set<string>> =>
  new Set((await queryRows(dataDir, 'SELECT import_id FROM main._sluice_imports')).map(([id]) => String(id)));

const rowsIn = async ({ dataDir }: CrashFolder, sql: string): Promise<number> =>
  Number((await queryRows(dataDir, `SELECT count(*) FROM ${sql}`))[0]?.[0]);

async function expectRows(folder: CrashFolder, wanted: number): Promise<void> {
  for (const { sql } of tables) {
    const count = () => rowsIn(folder, sql);
    expect(await waitFor(count, (rows) => rows >= wanted)).toBeGreaterThanOrEqual(wanted);
  }
}

/** New rows reach every table, so slices and files rotate; and what was imported before the step is cleaned up. */
async function expectToGoOn(folder: CrashFolder): Promise<void> {
  const before = await ledger(folder);
  // Rows that come from now on are behind those that are on their way.
  await expectRows(folder, folder.book.acknowledged + rowsOfPhase);
  const left = async () => [...before.intersection(await ledger(folder))];
  expect(await waitFor(left, (ids) => ids.length === 0)).toEqual([]);
}

function startLoad(folder: CrashFolder, service: RunningSluice): EventLoad {
  const load = new EventLoad({ url: folder.sourceUrl(service), book: folder.book, connections, seed: 1 }, never);
  load.start();
  return load;
}

async function stopLoad(load: EventLoad, conservation: ConservationWatch): Promise<void> {
  await load.stop();
  expect(await conservation.stop()).toEqual([]);
  expect([...load.unexpected], 'every request is answered as if the clock were right').toEqual([]);
}

test('the clock steps an hour forth and back under load, and is behind at the next start: everything goes on, each row is there once', async () => {
  await using temp = await openTempFolder();
  const clock = await SteppedClock.open(temp.path);
  const folder = new CrashFolder(temp.path, 0, { env: clock.env });
  await mkdir(folder.root);
  {
    await using service = await folder.start(undefined);
    const api = new ApiClient({ apiUrl: String(service.urls['api']), token: String(service.token) });
    const load = startLoad(folder, service);
    await using conservation = new ConservationWatch(folder.dataDir, tables);
    await expectRows(folder, 1);
    for (const [index, shiftMs] of [0, hourMs, 0, -hourMs].entries()) {
      await clock.set(shiftMs);
      await expectToGoOn(folder);
      await api.createSource(`made-after-step-${index}`);
      // A new version of the sink: its file is closed and the next one opened, whatever time their keys have.
      await api.run(updateSink, { params: { sourceId: 'crash', sinkId: 'ids' }, body: { name: `after step ${index}` } });
    }
    await stopLoad(load, conservation);
    expect(await service.stop()).toBe(0);
  }
  await clock.set(-2 * hourMs);
  await using again = await folder.start(undefined);
  const load = startLoad(folder, again);
  await using conservation = new ConservationWatch(folder.dataDir, tables);
  await expectToGoOn(folder);
  await stopLoad(load, conservation);
  expect(await checkFolder(folder)).toEqual({ lost: 0, doubled: 0, damaged: 0, problems: [] });
  expect(await checkRemains(folder)).toEqual([]);
  expect(await again.stop()).toBe(0);
  expect(folder.errorLines).toEqual([]);
});
