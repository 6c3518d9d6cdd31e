import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ApiClient } from '../../support/api-client.ts';
import { demoFlags, startSluice } from '../../support/start-sluice.ts';
import { openTempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait-for.ts';

const wanted = 10_000;
const idle = 1000;
/** Descriptors of a process beside its connections. */
const spare = 500;
const holder = fileURLToPath(new URL('./hold-connections-main.ts', import.meta.url));
const heldSchema = z.object({ open: z.int(), stored: z.int() });

test('ten thousand open connections, a thousand of them idle behind a record: everybody is served, and descriptors come back', async () => {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1] ?? wanted + spare);
  const count = Math.min(wanted, limit - spare);
  process.stdout.write(`holding ${count} connections, ${limit} open files are permitted\n`);
  expect(count).toBeGreaterThan(idle);
  await using folder = await openTempFolder();
  const flags = ['--source-http-header-timeout', '60s', '--source-http-request-timeout', '60s', '--source-http-idle-timeout', '60s'];
  await using service = await startSluice({ dataDir: `${folder.path}/data`, flags: [...demoFlags, ...flags] });
  const api = new ApiClient({ apiUrl: service.urls['api'] ?? '', token: service.token ?? '' });
  const url = await api.createSource('crowd');
  await api.createTableSink('crowd', { sinkId: 'rows', tableId: 'in.c-crowd.rows', columns: [{ type: 'body', name: 'body' }] });
  const descriptors = async () => (await readdir(`/proc/${service.process.pid}/fd`)).length;
  const before = await descriptors();

  const child = spawn(process.execPath, [holder, url, String(count), String(idle)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const held = async () => heldSchema.parse(JSON.parse(String((await once(lines, 'line'))[0])));
  try {
    expect(await held()).toEqual({ open: count, stored: idle });
    expect(await descriptors()).toBeGreaterThanOrEqual(count);
    for (let number = 0; number < 20; number += 1) {
      expect((await fetch(url, { method: 'POST', body: `beside ${number}` })).status).toBe(200);
    }
    child.stdin.write('post\n');
    expect(await held()).toEqual({ open: count, stored: count });
  } finally {
    child.stdin.end();
    await exited;
  }
  expect(await waitFor(descriptors, (found) => found < before + spare)).toBeLessThan(before + spare);
  expect(await (await fetch(url, { method: 'POST', body: 'after' })).text()).toBe('OK');
  expect(await service.stop()).toBe(0);
  expect(service.log()).not.toMatch(/"level":"(?:warn|error)"/);
});
