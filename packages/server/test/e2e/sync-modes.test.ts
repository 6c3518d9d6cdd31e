import { fileURLToPath } from 'node:url';
import { updateSinkSettings } from '@sluice/contract/settings-operations';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { callAdmin } from '../../src/kernel/folder/admin-client.ts';
import { ApiClient } from '../support/api-client.ts';
import { conservationProblems } from '../support/check-conservation.ts';
import { queryRows } from '../support/query.ts';
import { demoFlags, type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** What each sync mode promises, and what it may lose when the process is killed. */
const cacheFlags = [...demoFlags, '--storage-level-local-encoding-sync-mode=cache'];
const dyingEntry = fileURLToPath(new URL('../crash/service-main.ts', import.meta.url));
const table = '"in.c-sync"."rows"';
const sink = { sourceId: 'events', sinkId: 'rows' };
const waitKey = 'storage.level.local.encoding.sync.wait';

const statusSchema = z.object({ sinks: z.array(z.object({ conservation: z.object({ accepted: z.int() }) })) });

const apiOf = (service: RunningSluice) => new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });

async function configure(service: RunningSluice, { wait }: { readonly wait: boolean }): Promise<string> {
  const url = await apiOf(service).createSource('events');
  const columns = [{ type: 'path', name: 'id', path: 'id', rawString: true }];
  await apiOf(service).createTableSink('events', { sinkId: 'rows', tableId: 'in.c-sync.rows', columns });
  const body = { settings: [{ key: waitKey, value: false }] };
  if (!wait) await apiOf(service).run(updateSinkSettings, { params: sink, body });
  return new URL(url).pathname;
}

const post = (service: RunningSluice, path: string, id: string) =>
  fetch(new URL(path, service.urls['source']), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ id }),
  });

/** Several clients, each row once; the ids by what their clients heard. */
async function load(service: RunningSluice, path: string, count: number): Promise<Map<string, number | undefined>> {
  const heard = new Map<string, number | undefined>();
  let next = 0;
  const client = async () => {
    while (next < count) {
      const id = String(next);
      next += 1;
      heard.set(id, undefined);
      const answer = await post(service, path, id).catch(() => undefined);
      if (!answer) return;
      heard.set(id, answer.status);
      await answer.text();
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  return heard;
}

const idsIn = async (dataDir: string) => (await queryRows(dataDir, `SELECT id FROM ${table} ORDER BY id`)).map(([id]) => String(id));
const conserved = (dataDir: string) => conservationProblems(dataDir, { tables: [{ sinkId: 'rows', sql: table }] });

test('wait false is heard as 202, told in the verbose answer, and a graceful stop stores every row', async () => {
  await using folder = await openTempFolder();
  const dataDir = `${folder.path}/data`;
  const sent: string[] = [];
  {
    await using service = await startSluice({ dataDir, flags: demoFlags });
    const path = await configure(service, { wait: false });
    const answer = await post(service, path, 'plain');
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([202, 'text/plain', 'OK']);
    const verbose = await post(service, `${path}?verbose=true`, 'verbose');
    expect([verbose.status, await verbose.json()]).toEqual([
      202,
      {
        statusCode: 202,
        message: 'Successfully written to 1/1 sinks.',
        sources: [
          {
            projectId: 1,
            sourceId: 'events',
            branchId: 1,
            statusCode: 202,
            message: 'Successfully written to 1/1 sinks.',
            sinks: [{ sinkId: 'rows', statusCode: 202, message: 'accepted' }],
          },
        ],
      },
    ]);
    const fault = await fetch(new URL(path, service.urls['source']), { method: 'POST', body: '{' });
    expect(fault.status, 'client faults are told').toBeGreaterThanOrEqual(400);
    const heard = await load(service, path, 300);
    expect(new Set(heard.values())).toEqual(new Set([202]));
    sent.push('plain', 'verbose', ...heard.keys());
    expect(await service.stop()).toBe(0);
  }
  await using again = await startSluice({ dataDir, flags: demoFlags });
  expect(
    await waitFor(
      () => idsIn(dataDir),
      (ids) => ids.length >= sent.length,
    ),
  ).toEqual(sent.sort((one, other) => (one < other ? -1 : 1)));
  expect(await conserved(dataDir)).toEqual([]);
  expect(again.log()).not.toMatch(/"level":"(?:warn|error)"/);
});

test('wait false: a row that was answered with 202 and not written is lost by kill -9, and nothing counts it', async () => {
  await using folder = await openTempFolder();
  const dataDir = `${folder.path}/data`;
  let path: string;
  {
    const env = { CRASH_POINT: 'part.beforeWrite', CRASH_HIT: '1', CRASH_MARK: `${folder.path}/mark`, CRASH_ARMED: '1' };
    await using service = await startSluice({ dataDir, flags: demoFlags, entry: dyingEntry, env });
    path = await configure(service, { wait: false });
    expect((await post(service, path, 'lost')).status).toBe(202);
    expect(await service.exited).toBe('SIGKILL');
  }
  await using again = await startSluice({ dataDir, flags: demoFlags });
  expect((await post(again, path, 'kept')).status).toBe(202);
  expect(
    await waitFor(
      () => idsIn(dataDir),
      (ids) => ids.length > 0,
    ),
  ).toEqual(['kept']);
  expect(await conserved(dataDir)).toEqual([]);
});

test('wait false: kill -9 under load loses only rows that were not written, and doubles none', async () => {
  await using folder = await openTempFolder();
  const dataDir = `${folder.path}/data`;
  let sent: ReadonlyMap<string, number | undefined>;
  let path: string;
  {
    await using service = await startSluice({ dataDir, flags: demoFlags });
    path = await configure(service, { wait: false });
    const loading = load(service, path, 100_000);
    await waitFor(
      () => rowsOf(dataDir),
      (rows) => rows >= 300,
    );
    service.process.kill('SIGKILL');
    sent = await loading;
  }
  await using again = await startSluice({ dataDir, flags: demoFlags });
  expect((await post(again, path, 'last')).status).toBe(202);
  const found = await waitFor(
    () => idsIn(dataDir),
    (ids) => ids.includes('last'),
  );
  expect(found.length).toBeGreaterThan(300);
  expect(new Set(found).size, 'none twice').toBe(found.length);
  expect(found.filter((id) => id !== 'last' && !sent.has(id))).toEqual([]);
  expect(await conserved(dataDir)).toEqual([]);
});

test('mode cache: kill -9 loses no row that was answered with 200', async () => {
  await using folder = await openTempFolder();
  const dataDir = `${folder.path}/data`;
  let stored: string[];
  {
    await using service = await startSluice({ dataDir, flags: cacheFlags });
    const path = await configure(service, { wait: true });
    const loading = load(service, path, 100_000);
    await waitFor(
      () => rowsOf(dataDir),
      // More than are waited for: the answers to some are on their way.
      (rows) => rows >= 500,
    );
    service.process.kill('SIGKILL');
    stored = [...(await loading)].filter(([, status]) => status === 200).map(([id]) => id);
  }
  expect(stored.length).toBeGreaterThan(300);
  await using again = await startSluice({ dataDir, flags: cacheFlags });
  const missing = async () => {
    const found = new Set(await idsIn(dataDir));
    return stored.filter((id) => !found.has(id));
  };
  expect(await waitFor(missing, (ids) => ids.length === 0)).toEqual([]);
  const found = await idsIn(dataDir);
  expect(new Set(found).size, 'none twice').toBe(found.length);
  expect(await conserved(dataDir)).toEqual([]);
  expect(again.log()).not.toMatch(/"level":"error"/);
});

/** Rows that the service counts as accepted. */
async function rowsOf(dataDir: string): Promise<number> {
  const answer = await callAdmin(dataDir, 'status', {});
  if (!answer.running) return 0;
  const { sinks } = statusSchema.parse(answer.output);
  return sinks[0]?.conservation.accepted ?? 0;
}
