import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ApiClient } from '../support/api-client.ts';
import { conservationProblems } from '../support/check-conservation.ts';
import { queryRows } from '../support/query.ts';
import { RawConnection, requestText } from '../support/raw-http.ts';
import { runSluice } from '../support/run-sluice.ts';
import { demoFlags, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';
import { ConservationWatch } from '../support/watch-conservation.ts';

const clients = 24;
const enoughRows = 2000;
const deadlineMs = 30_000;
const tables = [{ sinkId: 'rows', sql: '"in.c-stop"."rows"' }];

/** What the clients of one service sent and heard. */
interface Tally {
  readonly stored: Set<string>;
  /** Answered otherwise. */
  readonly refused: string[];
  /** Sent whole over an open connection, and the connection ended without an answer. */
  readonly unanswered: string[];
}

test('SIGTERM under load: every request is answered, the next start recovers nothing, and every row is in the table once', async () => {
  await using folder = await openTempFolder();
  const dataDir = `${folder.path}/data`;
  const tally: Tally = { stored: new Set(), refused: [], unanswered: [] };
  {
    await using service = await startSluice({ dataDir, flags: demoFlags });
    const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
    const url = await api.createSource('load');
    const columns = [{ type: 'path', name: 'id', path: 'id', rawString: true }];
    await api.createTableSink('load', { sinkId: 'rows', tableId: 'in.c-stop.rows', columns });
    await using conservation = new ConservationWatch(dataDir, tables);
    const load = Promise.all(Array.from({ length: clients }, (_, client) => postUntilRefused(url, `${client}`, tally)));
    await waitFor(
      async () => tally.stored.size,
      (count) => count >= enoughRows,
    );
    const stoppedAt = performance.now();
    const end = service.stop();
    await load;
    expect(await end).toBe(0);
    expect(await conservation.stop()).toEqual([]);
    expect(performance.now() - stoppedAt).toBeLessThan(deadlineMs);
    expect(service.log()).not.toMatch(/"level":"(?:warn|error)"/);
  }
  expect(tally.unanswered).toEqual([]);
  expect(tally.refused).toEqual([]);
  expect(tally.stored.size).toBeGreaterThanOrEqual(enoughRows);
  expect((await readdir(dataDir, { recursive: true })).filter((name) => name.endsWith('.torn'))).toEqual([]);

  const startedAt = performance.now();
  await using again = await startSluice({ dataDir, flags: demoFlags });
  process.stdout.write(`start after a stop under load: ready in ${Math.round(performance.now() - startedAt)} ms\n`);
  const ids = async () => (await queryRows(dataDir, 'SELECT id FROM "in.c-stop"."rows"')).map(([id]) => String(id));
  const found = await waitFor(ids, (rows) => rows.length >= tally.stored.size);
  expect(found.length).toBe(tally.stored.size);
  expect(new Set(found)).toEqual(tally.stored);
  await expect.poll(() => conservationProblems(dataDir, { tables, settled: true })).toEqual([]);
  expect(await runSluice('fsck', dataDir)).toMatchObject({ code: 0 });
  expect(again.log()).not.toMatch(/"level":"(?:warn|error)"/);
});

test('a second SIGTERM does not wait for a request that is still coming', async () => {
  await using folder = await openTempFolder();
  await using service = await startSluice({ dataDir: `${folder.path}/data`, flags: demoFlags });
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('half');
  await using connection = await RawConnection.open(url);
  connection.write(requestText(url, { headers: ['Expect: 100-continue'] }).replace('Content-Length: 0', 'Content-Length: 10'));
  expect(await connection.answer()).toMatchObject({ status: 100 });
  service.process.kill('SIGTERM');
  await waitFor(
    async () => service.log(),
    (log) => log.includes('"msg":"stopping"'),
  );
  expect(service.process.exitCode).toBeNull();
  service.process.kill('SIGTERM');
  expect(await service.exited).toBe(1);
});

test('a request that is still coming at SIGTERM is taken to its end', async () => {
  await using folder = await openTempFolder();
  await using service = await startSluice({ dataDir: `${folder.path}/data`, flags: demoFlags });
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('half');
  await api.createTableSink('half', { sinkId: 'rows', tableId: 'in.c-stop.half', columns: [{ type: 'body', name: 'body' }] });
  await using idle = await RawConnection.open(url);
  await using connection = await RawConnection.open(url);
  connection.write(requestText(url, { headers: ['Expect: 100-continue'] }).replace('Content-Length: 0', 'Content-Length: 8'));
  expect(await connection.answer()).toMatchObject({ status: 100 });
  connection.write('half');
  const readiness = new URL('/readyz', service.urls['operations']);
  const probe = await RawConnection.open(readiness.href);
  const exited = service.stop();
  await waitFor(
    async () => service.log(),
    (log) => log.includes('"msg":"stopping"'),
  );
  // Probes that come over an open connection hear that it stops; new connections are refused.
  expect(await probe.write(requestText(readiness.href, { method: 'GET' })).answer()).toMatchObject({ status: 503 });
  connection.write('half');
  expect(await connection.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } });
  expect(await exited).toBe(0);
  await probe[Symbol.asyncDispose]();
  expect(await idle.answer()).toBeUndefined();
});

/** One request after the other over a kept connection, a new one where it ended; returns when no connection can be had any more. */
async function postUntilRefused(url: string, client: string, tally: Tally): Promise<void> {
  for (let count = 0; ; ) {
    const connection = await RawConnection.open(url).catch(() => undefined);
    if (!connection) return;
    for (let isOpen = true; isOpen; count += 1) {
      const id = `${client}-${count}`;
      connection.write(requestText(url, { headers: ['Content-Type: application/json'], body: JSON.stringify({ id }) }));
      const answer = await connection.answer();
      if (!answer) tally.unanswered.push(id);
      else if (answer.status === 200) tally.stored.add(id);
      else tally.refused.push(`${id}: ${answer.status} ${answer.body}`);
      isOpen = answer !== undefined && answer.headers['connection'] !== 'close';
    }
    if (!connection.socket.closed) await once(connection.socket, 'close');
  }
}
