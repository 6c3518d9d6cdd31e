import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { eventsIn, sinkStates } from '../../crash/check-folder.ts';
import { CrashFolder, tables } from '../../crash/crash-folder.ts';
import { EventLoad } from '../../crash/event-load.ts';
import { conservationProblems } from '../../support/check-conservation.ts';
import { runSluice } from '../../support/run-sluice.ts';
import type { RunningSluice } from '../../support/start-sluice.ts';
import { openTempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait-for.ts';
import { ConservationWatch } from '../../support/watch-conservation.ts';
import { takenTable } from './taken-table.ts';

const entry = fileURLToPath(new URL('./service-main.ts', import.meta.url));
const connections = 16;
const [whole, ids] = tables;
const schema = '"in.c-crash"';

interface Running extends AsyncDisposable {
  readonly service: RunningSluice;
  /** Ends the load, which must have had no other answers than usual. */
  stopLoad(): Promise<void>;
}

async function startUnderLoad(folder: CrashFolder): Promise<Running> {
  const service = await folder.start(undefined);
  const load = new EventLoad({ url: folder.sourceUrl(service), book: folder.book, connections, seed: 1 }, Number.POSITIVE_INFINITY);
  load.start();
  // Of its own counts only: the table is not there, or lacks what was taken away with it.
  const conservation = new ConservationWatch(folder.dataDir);
  return {
    service,
    stopLoad: async () => {
      await load.stop();
      expect(await conservation.stop()).toEqual([]);
      expect([...load.unexpected]).toEqual([]);
    },
    [Symbol.asyncDispose]: async () => {
      await service[Symbol.asyncDispose]();
      await load.stop();
    },
  };
}

/** The table is there, with rows. */
async function expectRows({ dataDir }: CrashFolder, table: string): Promise<void> {
  const rows = async () => (await eventsIn(dataDir, table).catch(() => [])).length;
  expect(await waitFor(rows, (count) => count > 0)).toBeGreaterThan(0);
}

/** Each acknowledged event is once among the rows that were taken away and those that are there; the other table has them all. */
async function expectOnce(folder: CrashFolder, takenAway: () => Promise<readonly number[]>): Promise<void> {
  const { dataDir, book } = folder;
  const settled = async () => (await sinkStates(dataDir)).every(({ rows }) => rows.local + rows.staged === 0);
  const compare = async () => ({
    settled: await settled(),
    whole: book.compare(whole.sinkId, [...(await takenAway()), ...(await eventsIn(dataDir, whole.sql))]),
    ids: book.compare(ids.sinkId, await eventsIn(dataDir, ids.sql)),
  });
  const nothing = { lost: [], destroyed: [], doubled: [], phantom: [] };
  await expect.poll(compare, { timeout: 20_000, interval: 200 }).toEqual({ settled: true, whole: nothing, ids: nothing });
  expect(await conservationProblems(dataDir, { tables: [ids], settled: true })).toEqual([]);
  expect(await runSluice('fsck', dataDir)).toMatchObject({ code: 0 });
}

/** As somebody with the database file can, while no service has it: drops the table; resolves to its rows. */
async function dropTable({ dataDir }: CrashFolder): Promise<number[]> {
  const instance = await DuckDBInstance.create(join(dataDir, 'tables', '1.duckdb'));
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(`SELECT substr(id, 2)::INTEGER FROM ${whole.sql}`);
  await connection.run(`DROP TABLE ${whole.sql}`);
  connection.closeSync();
  instance.closeSync();
  return reader.getRows().map(([event]) => Number(event));
}

test('a table that is dropped between two runs is made again: later rows are in it, those of before are not imported again', async () => {
  await using temp = await openTempFolder();
  const folder = new CrashFolder(temp.path, 0);
  await mkdir(folder.root);
  const dropped: number[] = [];
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await using running = await startUnderLoad(folder);
    await expectRows(folder, whole.sql);
    running.service.process.kill(signal);
    await running.service.exited;
    await running.stopLoad();
    dropped.push(...(await dropTable(folder)));
  }
  await using running = await startUnderLoad(folder);
  await expectRows(folder, whole.sql);
  await running.stopLoad();
  await expectOnce(folder, async () => dropped);
  expect(await running.service.stop()).toBe(0);
  expect(folder.errorLines).toEqual([]);
});

test('a table that is taken away under load, also in the middle of an import, is made again and gets the rows that come', async () => {
  await using temp = await openTempFolder();
  const folder = new CrashFolder(temp.path, 0, { entry });
  await mkdir(folder.root);
  await using running = await startUnderLoad(folder);
  const takenTables = Array.from({ length: 5 }, (_, number) => `${schema}.${takenTable(number)}`);
  for (const taken of takenTables) {
    await expectRows(folder, whole.sql);
    running.service.process.kill('SIGUSR2');
    await expectRows(folder, taken);
  }
  await expectRows(folder, whole.sql);
  await running.stopLoad();
  await expectOnce(folder, async () => (await Promise.all(takenTables.map((table) => eventsIn(folder.dataDir, table)))).flat());
  expect(await running.service.stop()).toBe(0);
  expect(folder.errorLines).toEqual([]);
});
