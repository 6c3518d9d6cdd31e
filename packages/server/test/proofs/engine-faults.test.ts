import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { ConservationWatch } from '../support/watch-conservation.ts';
import { expectPromisesKept } from './expect-promises-kept.ts';
import { ProofLoad } from './proof-load.ts';
import { ProofService } from './proof-service.ts';
import type { FaultRule } from './shim/fault-shim.ts';

const sourceId = 'engines';
const sinkIds = ['rows'];
const acceptsWithinMs = 2000;
const metadata: readonly FaultRule[] = ['fsync eio metadata.db', 'fdatasync eio metadata.db'];

let folder: string;
let service: ProofService;
let load: ProofLoad;
let conservation: ConservationWatch;
const cleanup = new AsyncDisposableStack();

beforeAll(async () => {
  folder = cleanup.use(await openTempFolder()).path;
  service = cleanup.use(await ProofService.start(folder));
  const target = { sourceId, url: await service.createSource(sourceId), sinkIds };
  for (const sinkId of sinkIds) await service.createSink(sourceId, sinkId);
  load = cleanup.use(new ProofLoad([target], { pauseMs: 20 }));
  conservation = cleanup.use(new ConservationWatch(service.dataDir));
  load.start(8);
});
afterAll(() => cleanup.disposeAsync());

async function endFault(): Promise<void> {
  await service.shim.setFaults([]);
  const endedAt = performance.now();
  const probe = await load.send();
  expect(probe.answer?.status, service.log()).toBe(200);
  expect(probe.answeredAt - endedAt).toBeLessThan(acceptsWithinMs);
}

/** The reasons why files and slices are tried again, once there are some, or once there are none. */
async function retryReasons(wanted: 'some' | 'none'): Promise<readonly string[]> {
  const reasonsNow = async () => (await service.sinkStates()).flatMap((sink) => sink.retryReasons);
  return waitFor(reasonsNow, (reasons) => reasons.length > 0 === (wanted === 'some'));
}

/** Everything that was acknowledged so far reaches the table. */
async function expectImported(): Promise<void> {
  const acknowledged = load.exchanges.filter(({ answer }) => answer?.status === 200).length;
  const imported = async () => (await service.sinkStates()).reduce((sum, { rows }) => sum + rows.imported, 0);
  expect(await waitFor(imported, (rows) => rows >= acknowledged), service.log()).toBeGreaterThanOrEqual(acknowledged);
}

/** Faults of an engine behind the record path: clients do not notice them, and what waits is tried again until it works. */
async function expectRetried(faults: readonly FaultRule[], reason: RegExp): Promise<void> {
  const from = load.exchanges.length;
  expect(await retryReasons('none')).toEqual([]);
  await service.shim.setFaults(faults);
  const reasons = await retryReasons('some');
  await sleep(300);
  await endFault();
  console.log(`proof engine fault "${faults.join(', ')}": ${reasons[0]}`);
  expect(reasons.join('\n')).toMatch(reason);
  expect(load.exchanges.slice(from).filter(({ answer }) => answer?.status !== 200)).toEqual([]);
  await expectImported();
}

describe('a metadata database whose log cannot be synced', { timeout: 30_000 }, () => {
  it('ends changes with a sentence, and open slices go on', async () => {
    const from = load.exchanges.length;
    await service.shim.setFaults(metadata);
    await expect(service.createSink(sourceId, 'refused')).rejects.toThrow(/503.*metadata/is);
    await sleep(1500);
    await endFault();
    const answers = load.exchanges.slice(from).map(({ answer }) => answer);
    console.log(`proof metadata fault answers=${answers.length} refused=${answers.filter((answer) => answer?.status !== 200).length}`);
    expect(new Set(answers.map((answer) => answer?.status)).difference(new Set([200, 503]))).toEqual(new Set());
    expect(answers.filter((answer) => answer?.status === 200).length).toBeGreaterThan(0);
    await service.createSink(sourceId, 'later');
    await expectImported();
  });

  it('ends a task that was under way with an error', async () => {
    // The task waits for its table while the metadata begin to fail.
    await service.shim.setFaults(['fsync slow:300 tables/']);
    const task = await service.beginSink(sourceId, 'broken');
    await service.shim.setFaults(metadata);
    await sleep(700);
    await endFault();
    await expect(service.api.finished(task)).rejects.toMatchObject({
      task: { isFinished: true, status: 'error', error: expect.stringMatching(/^The metadata .*\.$/) },
    });
    await service.createSink(sourceId, 'broken');
  });
});

describe('staging that fails', { timeout: 30_000 }, () => {
  it.each<[string, FaultRule[], RegExp]>([
    ['has no room', ['link exdev staging/', 'write enospc staging/'], /ENOSPC/],
    ['cannot take links', ['link enospc staging/'], /ENOSPC/],
    ['cannot make a name durable', ['fsyncdir eio staging/'], /EIO/],
  ])('%s', (_, faults, reason) => expectRetried(faults, reason));
});

describe('tables that fail', { timeout: 30_000 }, () => {
  it.each<[string, FaultRule[], RegExp]>([
    ['have no room', ['write enospc tables/'], /no space|could not write|ENOSPC/i],
    ['cannot be synced', ['fsync eio tables/', 'fdatasync eio tables/'], /fsync|sync failed|I\/O/i],
  ])('%s', (_, faults, reason) => expectRetried(faults, reason));
});

it('keeps every promise, also where the process dies while its metadata fail', { timeout: 40_000 }, async () => {
  await service.shim.setFaults(metadata);
  await sleep(500);
  await service.kill();
  await load.stop();
  expect(await conservation.stop()).toEqual([]);
  await using restarted = await ProofService.start(folder);
  await expectPromisesKept({ service: restarted, load, sourceId, sinkIds });
  const count = (status: number | undefined) => load.exchanges.filter(({ answer }) => answer?.status === status).length;
  console.log(`proof engine faults answers=${load.exchanges.length} acknowledged=${count(200)} unanswered=${count(undefined)}`);
});
