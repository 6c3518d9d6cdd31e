import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openUsageStore } from '../../src/engines/usage/registry.ts';
import { testRange } from '../../src/engines/usage/usage-store.conformance.ts';
import { hourMs, type UsageRange } from '../../src/engines/usage/usage-store.ts';
import { runSluice } from '../support/run-sluice.ts';
import { startSluice } from '../support/start-sluice.ts';
import { openTempFolder } from '../support/temp-folder.ts';

const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const never = new AbortController().signal;

/** `sluice channels` alone, until the test is over. */
async function startChannels(folder: string, env: Record<string, string> = {}) {
  const args = ['channels', '--data-dir', folder, '--ready-line', '--operations-listen', '127.0.0.1:0'];
  const ports = { SERVER_PORT: '0', STREAM_PORT: '0' };
  const child = spawn(process.execPath, [binary, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...ports, ...env },
  });
  const log = text(child.stderr);
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { urls } = JSON.parse(String(line)) as { urls: Record<string, string> };
  const stop = async () => {
    child.kill('SIGTERM');
    return { code: await exited, log: await log };
  };
  return {
    url: urls['channels'] ?? '',
    operations: urls['operations'] ?? '',
    stop,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

const register = (url: string, user: string) => fetch(`${url}/register`, { method: 'POST', body: user });
const statusOf = async (url: string) => (await fetch(url)).status;

/** Ranges of this hour: the service tells those of the last day. */
const thisHour = Math.floor(Date.now() / hourMs) * hourMs;
async function plant(folder: string, ...ranges: UsageRange[]): Promise<void> {
  await using store = await openUsageStore({ kind: 'sqlite', file: join(folder, 'usage', 'usage.db') });
  await store.writeRanges(ranges, never);
}

describe('channels alone', () => {
  test('under the names of the original: registers, tells usage, and keeps both over a restart', async () => {
    await using folder = await openTempFolder();
    {
      await using service = await startChannels(folder.path, { LOG_LEVEL: 'debug', PACKET_MS: '40' });
      expect((await register(service.url, 'user-1')).status).toBe(200);
      expect(await (await fetch(`${service.url}/usage/user-1`)).text()).toBe('{"sessions":{}}\n');
      expect(await statusOf(`${service.operations}/readyz`)).toBe(200);
      expect(await (await fetch(`${service.operations}/metrics`)).text()).toContain('sluice_channels_http_requests_total{status="200"} 2');
      expect(await service.stop()).toMatchObject({ code: 0 });
    }
    await plant(folder.path, { ...testRange(1, { hour: thisHour }), total: { ...testRange(1).total, packets: 50, mediaMs: 2000 } });
    await using service = await startChannels(folder.path);
    expect(await statusOf(`${service.url}/users/user-1`)).toBe(200);
    expect(await (await fetch(`${service.url}/usage/user-1`)).text()).toBe('{"sessions":{"zato01":2}}\n');
  });

  test('starts while Cassandra is away, and says so to those who need it', async () => {
    await using folder = await openTempFolder();
    await using service = await startChannels(folder.path, { DB_NODES: '127.0.0.1:1', DB_USER: 'someone', DB_PASS: 'their-secret' });
    expect((await register(service.url, 'user-1')).status).toBe(500);
    expect(await statusOf(`${service.url}/usage/user-1`)).toBe(500);
    expect(await statusOf(`${service.operations}/readyz`)).toBe(200);
    const { code, log } = await service.stop();
    expect(code).toBe(0);
    expect(log).toContain('the store of usage does not answer');
    expect(log).not.toContain('their-secret');
  });
});

describe('sluice usage verify', () => {
  test('adds the ranges again: 0 where the sums are right, 1 and the reason where not, with a service and without', async () => {
    await using folder = await openTempFolder();
    const verify = (...flags: string[]) => runSluice('usage', 'verify', '--data-dir', folder.path, ...flags);
    await (await startChannels(folder.path)).stop();
    await plant(folder.path, testRange(1, { hour: thisHour }), testRange(2, { hour: thisHour }));
    expect(await verify()).toMatchObject({ code: 0, out: '1 hours of users, 1 sessions, 2 ranges: the sums are right\n' });
    await plant(folder.path, { ...testRange(1, { hour: thisHour, session: 's2' }), packets: 9 });
    await using _service = await startChannels(folder.path);
    const { code, out } = await verify();
    expect(code).toBe(1);
    expect(out).toContain('session s2: the ranges give 9 packets, told are 10\n');
    const told = await verify('--json');
    expect([told.code, JSON.parse(told.out)]).toMatchObject([1, { hours: 1, sessions: 2, ranges: 3, problems: 1 }]);
  });
});

test('beside everything else, channels are there', async () => {
  await using folder = await openTempFolder();
  await using service = await startSluice({ dataDir: folder.path });
  expect((await register(service.urls['channels'] ?? '', 'user-1')).status).toBe(200);
  expect(await service.stop()).toBe(0);
});
