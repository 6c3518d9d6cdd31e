import { expect } from 'vitest';
import { conservationProblems } from '../support/check-conservation.ts';
import { runSluice } from '../support/run-sluice.ts';
import { waitFor } from '../support/wait-for.ts';
import { compareRows, promisesOf, type RowPromise } from './promised-rows.ts';
import type { ProofLoad } from './proof-load.ts';
import type { ProofService } from './proof-service.ts';

interface Compared {
  readonly service: ProofService;
  /** Stopped. */
  readonly load: ProofLoad;
  readonly sourceId: string;
  readonly sinkIds: readonly string[];
}

/** Waits until everything is in the tables, and expects every answer to have told the truth about its rows, and no trouble to be left. */
export async function expectPromisesKept({ service, load, sourceId, sinkIds }: Compared): Promise<void> {
  const promised = new Map(sinkIds.map((sinkId) => [sinkId, promisesTo(load, sinkIds, sinkId)]));
  const compare = async () =>
    Promise.all(
      [...promised].map(async ([sinkId, promises]) => ({
        sinkId,
        ...compareRows(promises, await service.eventsInTable(sourceId, sinkId)),
      })),
    );
  // Figures of open slices are published now and then: that they are 0 does not say that the last rows are in the tables.
  const { states } = await waitFor(
    async () => ({ compared: await compare(), states: await service.sinkStates() }),
    ({ compared, states }) => states.every(({ rows }) => rows.local + rows.staged === 0) && compared.every(({ lost }) => lost.length === 0),
  );
  for (const { rows } of states) expect(rows).toMatchObject({ local: 0, staged: 0, quarantined: 0, damaged: 0 });
  for (const broken of await compare()) expect(broken).toEqual({ sinkId: broken.sinkId, lost: [], doubled: [], phantom: [] });
  const tables = sinkIds.map((sinkId) => ({ sinkId, sql: `"in.c-${sourceId}"."${sinkId}"` }));
  expect(await conservationProblems(service.dataDir, { tables, settled: true })).toEqual([]);
  expect(await runSluice('fsck', service.dataDir)).toMatchObject({ code: 0 });
}

function promisesTo(load: ProofLoad, sinkIds: readonly string[], sinkId: string): ReadonlyMap<number, RowPromise> {
  const promises = new Map<number, RowPromise>();
  for (const { event, answer } of load.exchanges) {
    const promise = answer === undefined ? 'unknown' : promisesOf(answer, sinkIds)?.get(sinkId);
    expect(promise, `event ${event}: ${JSON.stringify(answer)}`).toBeDefined();
    promises.set(event, promise ?? 'unknown');
  }
  return promises;
}
