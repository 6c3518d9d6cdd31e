import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTempFolder } from '../support/temp-folder.ts';
import { acknowledgementsOf } from './acknowledgements.ts';
import { checkAnswerOrder } from './order/answer-order.ts';
import { checkRenameOrder } from './order/rename-order.ts';
import { ProofLoad, type Target } from './proof-load.ts';
import { ProofService } from './proof-service.ts';
import { findRows } from './row-places.ts';
import type { Call } from './shim/call-log.ts';

const connections = 200;
const enough = 4000;

/** Load over two sources with several sinks, some made while it runs, with rotations every 200 ms. */
async function observe(folder: string) {
  await using service = await ProofService.start(folder);
  const targets: Target[] = [];
  for (const [sourceId, sinkIds] of [
    ['many', ['one', 'two', 'three']],
    ['single', ['only']],
  ] as const) {
    targets.push({ sourceId, url: await service.createSource(sourceId), sinkIds: [...sinkIds] });
    for (const sinkId of sinkIds) await service.createSink(sourceId, sinkId);
  }
  await using load = new ProofLoad(targets, { pauseMs: 0 });
  load.start(connections);
  for (const late of ['four', 'five']) {
    await expect.poll(() => load.exchanges.length, { timeout: 30_000 }).toBeGreaterThan(late === 'four' ? enough / 4 : enough / 2);
    await service.createSink('many', late);
    targets[0]?.sinkIds.push(late);
  }
  await expect.poll(() => load.exchanges.length, { timeout: 60_000 }).toBeGreaterThan(enough);
  await load.stop();
  await expect
    .poll(async () => (await service.sinkStates()).reduce((sum, { rows }) => sum + rows.local + rows.staged, 0), { timeout: 20_000 })
    .toBe(0);
  await service.stop();
  return {
    dataDir: service.dataDir,
    exchanges: load.exchanges,
    calls: await service.shim.calls(),
    places: await findRows(service.dataDir),
  };
}

it('never answers 200 before the blocks of the request, and the names that lead to them, are durable (I1)', async () => {
  await using folder = await openTempFolder();
  const { dataDir, exchanges, calls, places } = await observe(folder.path);
  expect(exchanges.filter(({ answer }) => answer?.status !== 200)).toEqual([]);

  const acknowledgements = acknowledgementsOf(exchanges, places);
  const check = (observed: readonly Call[]) => checkAnswerOrder(observed, { root: dataDir, acknowledgements });
  const order = check(calls);
  const slices = new Set([...places.values()].flatMap((rows) => [...rows.values()].flat()).map(({ path }) => join(path, '..'))).size;
  console.log(
    `proof order answers=${order.answers} violations=${order.violations.length} blocks=${order.blocks} slices=${slices} calls=${calls.length}`,
  );
  expect(order.violations.slice(0, 10)).toEqual([]);
  expect(slices).toBeGreaterThan(10);
  expect(order.blocks).toBeGreaterThan(slices);

  // The same log without one kind of step must not pass.
  expect(check(calls.filter(({ name }) => name !== 'fdatasync')).violations).toHaveLength(order.answers);
  expect(check(calls.filter(({ name }) => name !== 'fsyncdir')).violations).toHaveLength(order.answers);
  expect(check(calls.map((call) => (call.name === 'answer' ? { ...call, begin: call.begin - 1000 } : call))).violations).not.toEqual([]);

  const checkRenames = (observed: readonly Call[]) =>
    checkRenameOrder(observed, { root: dataDir, objects: join(dataDir, 'staging', 'data'), exempt: [join(dataDir, 'tables')] });
  const renames = checkRenames(calls);
  console.log(`proof renames=${renames.renames} named=${renames.named} violations=${renames.violations.length}`);
  expect(renames.violations.slice(0, 10)).toEqual([]);
  // Metadata break some of the names between two pages of their file.
  expect(renames.named).toBeGreaterThan(slices / 2);
  expect(checkRenames(calls.filter(({ name }) => name !== 'fsyncdir')).violations.length).toBeGreaterThan(renames.named);
});
