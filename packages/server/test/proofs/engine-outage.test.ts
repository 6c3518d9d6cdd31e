import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { runSluice } from '../support/run-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { ConservationWatch } from '../support/watch-conservation.ts';
import { expectPromisesKept } from './expect-promises-kept.ts';
import { ProofLoad } from './proof-load.ts';
import { ProofService } from './proof-service.ts';
import type { FaultRule } from './shim/fault-shim.ts';

const outageMs = 60_000;
const acceptsWithinMs = 2000;
const sourceId = 'outage';
const sinkIds = ['rows'];
/** Slices and files enough that some of them would wait for half a minute after the outage, and no more. */
const flags = ['--storage-level-staging-upload-trigger-interval=500ms', '--storage-level-target-import-trigger-interval=1s'];

it.concurrent.each<[string, FaultRule[], RegExp]>([
  ['staging', ['write eio staging/', 'link eio staging/'], /EIO/],
  ['the table engine', ['fsync eio tables/', 'fdatasync eio tables/'], /fsync|sync failed|I\/O/i],
])(
  '%s is down for a minute: rows are taken all the time and imported at once when it is back, each once',
  async (engine, faults, reason) => {
    await using folder = await openTempFolder();
    await using service = await ProofService.start(folder.path, { flags });
    const target = { sourceId, url: await service.createSource(sourceId), sinkIds };
    for (const sinkId of sinkIds) await service.createSink(sourceId, sinkId);
    const imported = async () => (await service.sinkStates()).reduce((sum, { rows }) => sum + rows.imported, 0);
    const retryReasons = async () => (await service.sinkStates()).flatMap((sink) => sink.retryReasons);

    await using load = new ProofLoad([target], { pauseMs: 100 });
    await using conservation = new ConservationWatch(service.dataDir);
    load.start(4);
    expect(await waitFor(imported, (rows) => rows > 0)).toBeGreaterThan(0);

    await service.shim.setFaults(faults);
    const reasons = await waitFor(retryReasons, (found) => found.length > 0);
    expect(reasons.join('\n')).toMatch(reason);
    const importedAtFirst = await imported();
    await sleep(outageMs);
    expect(await imported(), 'the engine was down all the time').toBe(importedAtFirst);
    expect(await service.metrics()).toMatch(/sluice_storage_files\{trouble="retrying"\} [1-9]/);
    expect((await runSluice('status', '--data-dir', service.dataDir)).out).toMatch(reason);

    await service.shim.setFaults([]);
    const endedAt = performance.now();
    const probe = await load.send();
    expect(probe.answer?.status).toBe(200);
    expect(probe.answeredAt - endedAt).toBeLessThan(acceptsWithinMs);
    // Within the 20 s of `waitFor`: what began to fail at a third of the outage would not be tried again before.
    expect(await waitFor(retryReasons, (found) => found.length === 0)).toEqual([]);
    console.log(`proof outage of ${engine}: all goes on ${Math.round(performance.now() - endedAt)} ms after its end`);

    await load.stop();
    expect(await conservation.stop()).toEqual([]);
    expect(load.exchanges.filter(({ answer }) => answer?.status !== 200)).toEqual([]);
    await expectPromisesKept({ service, load, sourceId, sinkIds });
    expect(await runSluice('fsck', service.dataDir)).toMatchObject({ code: 0 });
    expect(await service.metrics()).toContain('sluice_storage_files{trouble="retrying"} 0');
    expect(service.log()).not.toMatch(/"level":"(?:error|fatal)"/);
    expect(await service.stop()).toBe(0);
  },
);
