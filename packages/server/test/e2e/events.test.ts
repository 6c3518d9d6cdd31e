import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logMetricTable } from '../../src/engines/log/log-metrics.ts';
import { openLogEngine } from '../../src/engines/log/registry.ts';
import { MetricRegistry } from '../../src/kernel/observe/metrics.ts';
import { runSluice } from '../support/run-sluice.ts';
import { silentLogger as logger } from '../support/silent-logger.ts';
import { type RunningSluice, startSluice } from '../support/start-sluice.ts';

const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const anyPorts = ['--port', '0', '--operations-listen', '127.0.0.1:0'];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-events-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const post = (url: string, body: string) => fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });

/** One component of the events lane alone, until the test is over. */
async function startAlone(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [binary, ...args, '--ready-line'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const log = text(child.stderr);
  const exited = once(child, 'exit').then(([code]) => code as number);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { urls } = JSON.parse(String(line)) as { urls: Record<string, string> };
  const stop = async () => {
    child.kill('SIGTERM');
    return { code: await exited, log: await log };
  };
  return { url: `${urls['event-api']}/`, operations: urls['operations'] ?? '', stop };
}

describe('beside everything else', () => {
  let service: RunningSluice;
  beforeAll(async () => {
    service = await startSluice({ dataDir: `${folder}/all`, env: { KAFKA_TOPIC: 'other' } });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  const metric = async (name: string) => {
    const page = await (await fetch(`${service.urls['operations']}/metrics`)).text();
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(page)?.[1]);
  };

  test('a producer that was asked for 50 events brings them all, and ends', async () => {
    const port = new URL(service.urls['event-api'] ?? '').port;
    const flags = ['--api-port', port, '--count', '50', '--rate', '1000', '--batch-interval', '50ms', '--operations-listen', '127.0.0.1:0'];
    const { code, err } = await runSluice('event-producer', '--data-dir', `${folder}/producer`, ...flags);
    expect({ code, errors: err.split('\n').filter((line) => line.includes('"level":"error"')) }).toEqual({ code: 0, errors: [] });
    expect(await metric('sluice_events_accepted_total')).toBe(50);
  });

  test('names that hold for one component are ignored with a warning', () => {
    expect(service.log()).toContain('Environment variables KAFKA_TOPIC are ignored');
    expect(service.log()).toContain('SLUICE_EVENTS_TOPIC');
  });

  test('a stop loses no event that was answered with 200', async () => {
    const url = `${service.urls['event-api']}/`;
    let acknowledged = 0;
    let isOver = false;
    const send = async () => {
      while (!isOver) {
        const answer = await post(url, '[{"amount":1},{"amount":2}]').catch(() => undefined);
        if (answer?.status === 200) acknowledged += 2;
        else isOver = true;
      }
    };
    const senders = Array.from({ length: 8 }, send);
    await expect.poll(() => acknowledged).toBeGreaterThan(50);
    expect(await service.stop()).toBe(0);
    await Promise.all(senders);
    const metrics = new MetricRegistry().declare(logMetricTable);
    await using log = await openLogEngine({ kind: 'sqlite', folder: `${folder}/all/log` }, { logger, metrics });
    const topic = await log.topic('events');
    const [range] = topic ? await log.offsets(topic) : [];
    expect(range?.end).toBeGreaterThanOrEqual(50 + acknowledged);
  });
});

describe('alone', () => {
  test.each([
    [['-x'], {}],
    [['--disable'], {}],
    [[], { DISABLE: 'true' }],
    [[], { DISABLE: 'YES' }],
    [['--events-api-disable'], {}],
  ])('parked by %j %j', async (flags, env: Record<string, string>) => {
    const api = await startAlone(['event-api', '--data-dir', `${folder}/parked`, ...anyPorts, ...flags], env);
    const answer = await post(api.url, 'nonsense');
    expect([answer.status, await answer.text()]).toEqual([200, '{"message":"processing disabled, did nothing"}\n']);
    expect(await (await fetch(`${api.operations}/metrics`)).text()).toContain('sluice_disabled{component="event-api"} 1');
    expect((await fetch(`${api.operations}/readyz`)).status).toBe(200);
    const { code, log } = await api.stop();
    expect(code).toBe(0);
    expect(log).toContain('processing disabled');
    expect(log).not.toContain('log set up');
  });

  test('takes events by its original names', async () => {
    const api = await startAlone(['event-api', '--data-dir', `${folder}/alone`, '--operations-listen', '127.0.0.1:0'], {
      PORT: '0',
      HOST: '127.0.0.1',
      KAFKA_TOPIC: 'takings',
      MAX_EVENTS: '2',
      ON_INVALID: 'skip',
      MAX_FUTURE_SKEW_MS: '1000',
    });
    const answer = await post(api.url, `[{"amount":1},{"amount":2,"time":${Date.now() + 100_000}}]`);
    expect(await answer.json()).toMatchObject({ accepted: 1, rejected: 1 });
    expect((await post(api.url, '[{"amount":1},{"amount":1},{"amount":1}]')).status).toBe(413);
    expect((await fetch(`${api.operations}/readyz`)).status).toBe(200);
    const { code, log } = await api.stop();
    expect([code, log.includes('"topic":"takings"')]).toEqual([0, true]);
  });
});
