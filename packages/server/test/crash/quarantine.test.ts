import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { conservationProblems } from '../support/check-conservation.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { ConservationWatch } from '../support/watch-conservation.ts';
import { checkRemains, eventsIn, sinkStates } from './check-folder.ts';
import { CrashFolder, tables } from './crash-folder.ts';
import { EventLoad } from './event-load.ts';
import { decide, decideAtRandom, quarantinedFiles } from './quarantine-decisions.ts';
import type { Kill } from './round-plan.ts';

const [whole, ids] = tables;
const minAcknowledged = 400;
const maxArmedMs = 3000;
const point = (name: (Kill & { type: 'point' })['point'], hit: number): Kill => ({ type: 'point', point: name, hit });
/** While the table refuses every file. */
const refusedRounds: readonly Kill[] = [
  point('metadata.beforeCommit', 12),
  point('metadata.afterCommit', 12),
  point('cleanup.afterObjects', 2),
];
/** While it takes them again: a retry and a discard of one file race for the ledger. */
const mendedRounds: readonly Kill[] = [point('import.afterCommit', 3), { type: 'random', afterMs: 300 }];

/** While no service runs, as somebody with the database file could. */
async function changeTable({ dataDir }: CrashFolder, sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(dataDir, 'tables', '1.duckdb'));
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

/** Load and decisions until the process dies, which is not before `atLeast` decisions. The decisions that were made. */
async function round(folder: CrashFolder, kill: Kill, { random, atLeast }: { random: SeededRandom; atLeast: number }): Promise<number> {
  await using service = await folder.start({ kill, fromStart: false });
  const stop = new AbortController();
  const load = new EventLoad({ url: folder.sourceUrl(service), book: folder.book, connections: 16, seed: 1 }, minAcknowledged);
  await using conservation = new ConservationWatch(folder.dataDir, tables);
  const operators = decideAtRandom(folder.dataDir, random, { signal: stop.signal, atLeast });
  load.start();
  await Promise.all([load.enough, operators.enough]);
  if (kill.type === 'point') service.process.kill('SIGUSR2');
  const timer = setTimeout(() => service.process.kill('SIGKILL'), kill.type === 'point' ? maxArmedMs : kill.afterMs);
  await service.exited;
  clearTimeout(timer);
  await load.stop();
  stop.abort();
  expect(await conservation.stop()).toEqual([]);
  expect([...load.unexpected]).toEqual([]);
  return await operators.total;
}

it('retries and discards under kills: each row is in the table once or discarded, and counted as what it is', async () => {
  const seed = randomInt(1_000_000);
  console.log(`crash quarantine seed=${seed}`);
  const random = new SeededRandom(seed);
  await using temp = await openTempFolder();
  const folder = new CrashFolder(temp.path, 0);
  await mkdir(folder.root);
  const { dataDir, book } = folder;
  {
    await using service = await folder.start(undefined);
    expect(await service.stop()).toBe(0);
  }
  await changeTable(folder, `ALTER TABLE ${whole.sql} ADD COLUMN must VARCHAR; ALTER TABLE ${whole.sql} ALTER must SET NOT NULL`);
  let decisions = 0;
  for (const kill of refusedRounds) decisions += await round(folder, kill, { random, atLeast: 2 });
  await changeTable(folder, `ALTER TABLE ${whole.sql} ALTER must DROP NOT NULL`);
  for (const kill of mendedRounds) decisions += await round(folder, kill, { random, atLeast: 0 });
  expect(decisions).toBeGreaterThanOrEqual(2 * refusedRounds.length);

  await using service = await folder.start(undefined);
  const settled = async () => {
    for (const { file } of await quarantinedFiles(dataDir)) await decide(dataDir, file, 'retry');
    return (await sinkStates(dataDir)).every(({ rows }) => rows.local + rows.staged + rows.quarantined === 0);
  };
  await expect.poll(settled, { timeout: 20_000, interval: 100 }).toBe(true);
  expect(await conservationProblems(dataDir, { tables, settled: true })).toEqual([]);
  const nothing = { lost: [], destroyed: [], doubled: [], phantom: [] };
  expect(book.compare(ids.sinkId, await eventsIn(dataDir, ids.sql))).toEqual(nothing);
  const found = book.compare(whole.sinkId, await eventsIn(dataDir, whole.sql));
  expect(found).toEqual({ ...nothing, lost: expect.any(Array) });
  const discarded = (await sinkStates(dataDir)).find(({ sink }) => sink.endsWith(`/${whole.sinkId}`))?.rows.discarded ?? 0;
  console.log(`crash quarantine acked=${book.acknowledged} decisions=${decisions} discarded=${discarded} missing=${found.lost.length}`);
  // Discarded are also rows whose answer the kill cut off: nobody was promised those.
  expect(found.lost.length).toBeLessThanOrEqual(discarded);
  expect(found.lost.length).toBeGreaterThan(0);
  expect(await checkRemains(folder)).toEqual([]);
  expect(await service.stop()).toBe(0);
});
