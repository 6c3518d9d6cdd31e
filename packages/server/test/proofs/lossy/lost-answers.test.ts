import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openTempFolder } from '../../support/temp-folder.ts';
import { ConservationWatch } from '../../support/watch-conservation.ts';
import { expectPromisesKept } from '../expect-promises-kept.ts';
import { promisesOf } from '../promised-rows.ts';
import { ProofLoad } from '../proof-load.ts';
import { ProofService } from '../proof-service.ts';

const entry = fileURLToPath(new URL('./service-main.ts', import.meta.url));
const sourceId = 'lossy';
const sinkIds = ['one', 'two'];
const connections = 24;
/** So many in doubt come from three blocks at least: one that was stored, one that was not, one that was stored late. */
const enough = { acknowledged: 500, inDoubt: 2 * connections + 1 };
const maxLoadMs = 60_000;

it('requests and answers that are lost, late or doubled between source and writer lose and double no row, and every answer is true', async () => {
  const seed = randomInt(1_000_000);
  console.log(`proof lost answers seed=${seed}`);
  await using folder = await openTempFolder();
  await using service = await ProofService.start(folder.path, { entry, env: { LOSS_SEED: String(seed) } });
  const target = { sourceId, url: await service.createSource(sourceId), sinkIds };
  for (const sinkId of sinkIds) await service.createSink(sourceId, sinkId);
  await using load = new ProofLoad([target], { pauseMs: 2 });
  const countOf = (status: number, mark?: string) =>
    load.exchanges.filter(({ answer }) => answer?.status === status && answer.mark === mark).length;
  const tables = sinkIds.map((sinkId) => ({ sinkId, sql: `"in.c-${sourceId}"."${sinkId}"` }));
  await using conservation = new ConservationWatch(service.dataDir, tables);
  load.start(connections);
  await expect
    .poll(() => [countOf(200) >= enough.acknowledged, countOf(503, 'unknown') >= enough.inDoubt], { timeout: maxLoadMs, interval: 100 })
    .toEqual([true, true]);
  await load.stop();
  expect(await conservation.stop()).toEqual([]);

  // Nothing is refused for sure: what the source did not hear of is in doubt, whether the writer has it or not.
  const kinds = Map.groupBy(load.exchanges, ({ answer }) => `${answer?.status} ${answer?.mark ?? '-'}`);
  console.log(`proof lost answers ${[...kinds].map(([kind, { length }]) => `"${kind}"=${length}`).join(' ')}`);
  expect(new Set(kinds.keys())).toEqual(new Set(['200 -', '503 unknown']));
  await expectPromisesKept({ service, load, sourceId, sinkIds });
  // Some of what is in doubt was stored, and some was not: else nothing was put to the test.
  const found = await Promise.all(
    sinkIds.map(async (sinkId) => {
      const present = new Set(await service.eventsInTable(sourceId, sinkId));
      const doubtful = (kinds.get('503 unknown') ?? []).filter(
        ({ answer }) => answer && promisesOf(answer, sinkIds)?.get(sinkId) === 'unknown',
      );
      return doubtful.map(({ event }) => present.has(event));
    }),
  );
  expect(new Set(found.flat())).toEqual(new Set([true, false]));
});
