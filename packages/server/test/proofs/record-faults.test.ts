import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTempFolder } from '../support/temp-folder.ts';
import { ConservationWatch } from '../support/watch-conservation.ts';
import { acknowledgementsOf } from './acknowledgements.ts';
import { expectPromisesKept } from './expect-promises-kept.ts';
import { checkAnswerOrder } from './order/answer-order.ts';
import { checkFailedParts } from './order/failed-parts.ts';
import { PartKeeper } from './part-keeper.ts';
import { type Exchange, ProofLoad } from './proof-load.ts';
import { ProofService } from './proof-service.ts';
import { findRows, volumeIn } from './row-places.ts';
import type { FaultRule } from './shim/fault-shim.ts';

const sourceId = 'faulty';
const sinkIds = ['one', 'two'];
const acceptsWithinMs = 2000;
const part = '.csv.gz';

let folder: string;
let service: ProofService;
let load: ProofLoad;
let conservation: ConservationWatch;
let keeper: PartKeeper;
const cleanup = new AsyncDisposableStack();

beforeAll(async () => {
  folder = cleanup.use(await openTempFolder()).path;
  service = cleanup.use(await ProofService.start(folder));
  const target = { sourceId, url: await service.createSource(sourceId), sinkIds };
  for (const sinkId of sinkIds) await service.createSink(sourceId, sinkId);
  load = cleanup.use(new ProofLoad([target], { pauseMs: 5 }));
  conservation = cleanup.use(new ConservationWatch(service.dataDir));
  keeper = cleanup.use(new PartKeeper(volumeIn(service.dataDir), join(folder, 'kept')));
  load.start(16);
});
afterAll(() => cleanup.disposeAsync());

/** Keeps the faults for a while under load; resolves to the answers to what was under way meanwhile. */
async function during(faults: readonly FaultRule[], ms: number): Promise<Exchange[]> {
  const from = load.exchanges.length;
  const startedAt = performance.now();
  await service.shim.setFaults(faults);
  await sleep(ms);
  const openParts = await countOpenParts();
  await service.shim.setFaults([]);
  const endedAt = performance.now();
  let probe = await load.send();
  // After a full disk blocks are refused until the next look at it.
  while (probe.answer?.status === 503 && probe.answeredAt - endedAt < acceptsWithinMs) probe = await load.send();
  expect(probe.answer?.status, service.log()).toBe(200);
  console.log(`proof fault "${faults.join(', ')}" accepts again after ${Math.round(probe.answeredAt - endedAt)} ms`);
  expect(probe.answeredAt - endedAt).toBeLessThan(acceptsWithinMs);
  // A part that failed gives its descriptor back: each sink has one that takes rows and a few that are being sealed.
  expect(openParts).toBeLessThanOrEqual(5 * sinkIds.length);
  return load.exchanges.slice(from).filter(({ sentAt, answeredAt }) => answeredAt >= startedAt && sentAt <= endedAt);
}

async function countOpenParts(): Promise<number> {
  const folder = `/proc/${service.pid}/fd`;
  const files = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')));
  return files.filter((file) => file.endsWith(part)).length;
}

/** Status and mark of every answer. */
const kindsOf = (exchanges: readonly Exchange[]) => new Set(exchanges.map(({ answer }) => `${answer?.status} ${answer?.mark ?? '-'}`));

/** Some were refused, all of those as surely not stored in the sinks that are not named. */
function expectSureRefusals(exchanges: readonly Exchange[]): void {
  const refusals = kindsOf(exchanges).difference(new Set(['200 -']));
  expect(refusals.size).toBeGreaterThan(0);
  expect(refusals.difference(new Set(['503 none', '503 partial']))).toEqual(new Set());
}

describe('a disk that fails', { timeout: 40_000 }, () => {
  it('a sync that fails once costs nobody anything', async () => {
    expect(kindsOf(await during([`fdatasync eio:1 ${part}`], 300))).toEqual(new Set(['200 -']));
  });

  it('syncs that fail for longer than a source waits are refused as surely not stored', async () => {
    expectSureRefusals(await during([`fdatasync eio ${part}`], 2600));
  });

  it('what cannot even be cut back is in doubt', async () => {
    const exchanges = await during([`fdatasync eio ${part}`, `fsync eio ${part}`], 500);
    expect(kindsOf(exchanges)).toContain('503 unknown');
  });

  it('a folder whose names cannot be made durable takes nothing', async () => {
    const exchanges = await during(['fsyncdir eio volumes/'], 700);
    expect(kindsOf(exchanges)).not.toContain('503 unknown');
  });

  it('a folder that cannot be made takes nothing', async () => {
    const exchanges = await during(['mkdir enospc volumes/', `create enospc ${part}`], 500);
    expect(kindsOf(exchanges)).not.toContain('503 unknown');
  });

  it('a disk that is full in the middle of a block', async () => {
    expectSureRefusals(await during([`write enospc-after:700 ${part}`], 2600));
  });

  it('a full disk on which nothing can be cut back', async () => {
    const exchanges = await during([`write enospc-after:700 ${part}`, `truncate eio ${part}`], 500);
    expect(kindsOf(exchanges)).toContain('503 unknown');
  });

  it('short writes are completed', async () => {
    expect(kindsOf(await during([`write short ${part}`], 500))).toEqual(new Set(['200 -']));
  });

  it('slow syncs make slow answers', async () => {
    expect(kindsOf(await during([`fdatasync slow:500 ${part}`], 1300))).toEqual(new Set(['200 -']));
  });

  it('keeps every promise, also where the process dies with parts that it could not cut', async () => {
    // Up to here every part that failed has had its successor.
    const failed = checkFailedParts(await service.shim.calls(), (path) => path.endsWith(part));
    await service.shim.setFaults([`fdatasync eio ${part}`, `truncate eio ${part}`]);
    await sleep(300);
    await service.kill();
    await load.stop();
    expect(await conservation.stop()).toEqual([]);
    await keeper[Symbol.asyncDispose]();
    const calls = await service.shim.calls();
    const acknowledgements = acknowledgementsOf(load.exchanges, await findRows(service.dataDir, keeper.folder));
    await using restarted = await ProofService.start(folder);
    await expectPromisesKept({ service: restarted, load, sourceId, sinkIds });

    const order = checkAnswerOrder(calls, { root: service.dataDir, acknowledgements });
    const refused = load.exchanges.filter(({ answer }) => answer !== undefined && answer.status !== 200);
    console.log(
      `proof faults answers=${order.answers} violations=${order.violations.length} refused=${refused.length}`,
      `in-doubt=${refused.filter(({ answer }) => answer?.mark === 'unknown').length}`,
      `failed-parts=${failed.failed} violations=${failed.violations.length}`,
    );
    expect(order.violations.slice(0, 10)).toEqual([]);
    expect(failed.violations.slice(0, 10)).toEqual([]);
    expect(failed.failed).toBeGreaterThan(20);
  });
});
