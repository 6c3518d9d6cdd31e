import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runSluice } from '../support/run-sluice.ts';
import { type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const token = 'a token of this test';

/** `event-api` in a process of its own on the log of the owner of the folder; ended with the test. */
async function startChild(dataDir: string, retry: string) {
  const engine = { SLUICE_ENGINE_SOCKET: join(dataDir, 'engine.sock'), SLUICE_ENGINE_TOKEN: token, SLUICE_ENGINE_RETRY: retry };
  const args = [binary, 'event-api', '--data-dir', dataDir, '--port', '0', '--operations-listen', '127.0.0.1:0', '--ready-line'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...engine } });
  const log = text(child.stderr);
  const exited = once(child, 'exit').then(([code]) => code as number);
  const line = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited]);
  if (typeof line === 'number') throw new Error(`event-api ended with ${line}: ${await log}`);
  const { urls } = JSON.parse(String(line[0])) as { urls: Record<string, string> };
  return {
    exited,
    log,
    post: async (count: number) => {
      const body = JSON.stringify(Array.from({ length: count }, (_, index) => ({ amount: index })));
      return (await fetch(`${urls['event-api']}/`, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })).status;
    },
    stop: async () => {
      child.kill('SIGTERM');
      return await exited;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function stored(owner: RunningSluice): Promise<number> {
  const page = await (await fetch(`${owner.urls['operations']}/metrics`)).text();
  const values = page.matchAll(/^sluice_consumer_stored_total\{.*\} (\d+)$/gm);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

test('another process appends to the log of a folder, finds its owner again, and ends with 75 where it does not', async () => {
  await using folder = await openTempFolder();
  const dataDir = join(folder.path, 'data');
  const start = () => startSluice({ dataDir, env: { SLUICE_ENGINE_TOKEN: token } });
  const owner = await start();
  await using patient = await startChild(dataDir, '60s');
  await using impatient = await startChild(dataDir, '100ms');
  expect([await patient.post(100), await impatient.post(50)]).toEqual([200, 200]);
  expect(
    await waitFor(
      () => stored(owner),
      (count) => count === 150,
    ),
  ).toBe(150);
  owner.process.kill('SIGKILL');
  await owner.exited;
  expect(await impatient.exited).toBe(75);
  expect(await impatient.log).toContain('does not answer');
  await using next = await start();
  expect(
    await waitFor(
      () => patient.post(7),
      (status) => status === 200,
    ),
  ).toBe(200);
  expect(
    await waitFor(
      () => stored(next),
      (count) => count >= 7,
    ),
  ).toBe(7);
  expect(await patient.stop()).toBe(0);
  expect(await next.stop()).toBe(0);
});

test('a process without a folder runs only what needs none, and needs the right token', async () => {
  await using folder = await openTempFolder();
  const dataDir = join(folder.path, 'data');
  await using _owner = await startSluice({ dataDir, env: { SLUICE_ENGINE_TOKEN: token } });
  const engine = ['--engine-socket', join(dataDir, 'engine.sock'), '--operations-listen', '127.0.0.1:0'];
  const start = (...args: readonly string[]) => runSluice(...args, ...engine);
  expect(await start('api', '--engine-token', token)).toMatchObject({
    code: 64,
    err: expect.stringContaining('api works in a data folder'),
  });
  expect(await start('channels', '--engine-token', token)).toMatchObject({
    code: 64,
    err: expect.stringContaining('channels works in a data folder'),
  });
  expect(await start('event-producer', '--engine-token', token)).toMatchObject({ code: 64, err: expect.stringContaining('journal') });
  expect(await start('consumer-low', '--engine-token', token)).toMatchObject({ code: 64, err: expect.stringContaining('embedded store') });
  expect(await start('event-api')).toMatchObject({ code: 64, err: expect.stringContaining('engine.token') });
  expect(await start('event-api', '--engine-token', 'another token that is long')).toMatchObject({
    code: 64,
    err: expect.stringContaining('refuses the token'),
  });
  const shown = await runSluice('config', 'show', ...engine, '--engine-token', token);
  expect(shown.out).toContain('engine.sock');
  expect(shown.out).not.toContain(token);
});
