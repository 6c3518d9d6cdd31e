import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { AdminCommands } from '../../src/kernel/folder/admin-commands.ts';
import { openAdminSocket } from '../../src/kernel/folder/admin-socket.ts';
import { conservationProblems } from '../support/check-conservation.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { ConservationWatch } from '../support/watch-conservation.ts';

/** What the service that is asked says. */
const service = { rows: { local: 0, imported: 0 }, accepted: 0, violations: [] as string[], tableRows: 0 };
let asked = 0;
beforeEach(() => {
  asked = 0;
  Object.assign(service, { rows: { local: 2, imported: 3 }, accepted: 5, violations: [], tableRows: 3 });
});

const tables = [{ sinkId: 'sink', sql: '"t"' }];

const commands = new AdminCommands();
commands.register({
  name: 'status',
  input: z.object({}),
  run: async () => {
    asked += 1;
    return status();
  },
});
const status = () => ({ sinks: [{ sink: '1/1/source/sink', rows: service.rows, conservation: service }] });
commands.register({
  name: 'query',
  input: z.object({ project: z.number(), branch: z.number(), sql: z.string() }),
  run: async ({ sql }) => ({ columns: ['count'], rows: [[sql.endsWith('FROM "t"') ? service.tableRows : -1]] }),
});

async function openService(): Promise<AsyncDisposable & { readonly folder: string; end(): Promise<void> }> {
  const folder = await openTempFolder();
  const socket = await openAdminSocket({ folder: folder.path, commands, logger: silentLogger });
  const stop = new AbortController();
  const running = socket.run(stop.signal);
  const end = () => {
    stop.abort();
    return running;
  };
  return {
    folder: folder.path,
    end,
    [Symbol.asyncDispose]: async () => {
      await end();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function problems(settled = false): Promise<string[]> {
  await using running = await openService();
  return await conservationProblems(running.folder, { tables, settled });
}

test('a service whose rows are all in one place has no problems', async () => {
  expect(await problems()).toEqual([]);
  expect(await problems(true)).toEqual([]);
});

test('the verdict of the service, a sum that differs and a table that lacks rows are problems', async () => {
  service.violations = ['file f accepted 5 rows, and has 4 imported'];
  service.accepted = 6;
  service.tableRows = 2;
  expect(await problems()).toEqual([
    '1/1/source/sink: file f accepted 5 rows, and has 4 imported',
    '1/1/source/sink: 6 rows accepted, 5 found: {"local":2,"imported":3}',
    '1/1/source/sink: 3 rows are imported by the metadata, the table has 2',
  ]);
});

test('a table may be ahead of the metadata under load, and not when everything is settled', async () => {
  service.tableRows = 4;
  expect(await problems()).toEqual([]);
  expect(await problems(true)).toEqual(['1/1/source/sink: 3 rows are imported by the metadata, the table has 4']);
});

test('a watch keeps what it saw once, and ends with the service', async () => {
  service.violations = ['file f accepted 5 rows, and has 4 imported'];
  await using running = await openService();
  await using watch = new ConservationWatch(running.folder, tables);
  await expect.poll(() => asked, { timeout: 5000 }).toBeGreaterThanOrEqual(2);
  await running.end();
  expect(await watch.stop()).toEqual(['1/1/source/sink: file f accepted 5 rows, and has 4 imported']);
});

test('a watch of a service that cannot answer says so', async () => {
  service.rows = { local: -1, imported: Number.NaN };
  await using running = await openService();
  await using watch = new ConservationWatch(running.folder, tables);
  await expect.poll(() => asked, { timeout: 5000 }).toBeGreaterThanOrEqual(1);
  expect(await watch.stop()).toEqual([expect.stringContaining('expected number')]);
});
