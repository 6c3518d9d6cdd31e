import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compareAnswerSchema, seriesAnswerSchema, summaryAnswerSchema } from '@sluice/contract/event-series';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isSettled } from '../support/settled-comparison.ts';
import { type RunningSluice, startSluice } from '../support/start-sluice.ts';
import { StreamReader } from '../support/stream-sink.ts';
import { waitFor } from '../support/wait-for.ts';

const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
let folder: string;
let service: RunningSluice;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-aggregator-'));
  service = await startSluice({ dataDir: folder, env: { SLUICE_EVENTS_PARTITIONS: '2' } });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const aggregator = (path: string) => fetch(`${service.urls['aggregator']}${path}`);

test('events that were posted are in the series, in the stream and where the log says, and a stop ends the stream', async () => {
  const amounts = Array.from({ length: 100 }, (_, index) => index / 10);
  const time = Date.now() - 60_000;
  const ended = follow('/api/stream');
  const posted = await fetch(`${service.urls['event-api']}/`, {
    method: 'POST',
    body: JSON.stringify(amounts.map((amount) => ({ time, amount }))),
    headers: { 'Content-Type': 'application/json' },
  });
  expect(posted.status).toBe(200);

  const summary = await waitFor(
    async () => summaryAnswerSchema.parse(await (await aggregator('/api/summary')).json()),
    ({ types }) => types.reduce((sum, { count }) => sum + count, 0) === 100,
  );
  expect(summary.types).toMatchObject([
    { type: 'low', count: 51, min: 0, max: 5 },
    { type: 'high', count: 49, min: 5.1, max: 9.9 },
  ]);
  const { message, points } = await waitFor(
    async () => seriesAnswerSchema.parse(await (await aggregator('/api')).json()),
    (answer) => answer.points?.reduce((sum, { count }) => sum + (count ?? 0), 0) === 100,
  );
  expect(message).toBe('ok');
  expect(points).toHaveLength(120);
  expect(points?.filter(({ count }) => count !== 0)).toMatchObject([
    { type: 'low', count: 51 },
    { type: 'high', count: 49 },
  ]);
  const compared = await waitFor(async () => compareAnswerSchema.parse(await (await aggregator('/api/compare')).json()), isSettled);
  expect(compared).toMatchObject({ message: 'ok', complete: true, findings: [], unverified: [{ points: 0 }, { points: 0 }] });
  expect(compared.partitions.reduce((sum, { events }) => sum + events, 0)).toBe(100);

  const ready = await fetch(`${service.urls['operations']}/readyz`);
  expect(await ready.json()).toMatchObject({ ready: true, checks: { aggregator: { ready: true } } });
  const { reader, isThere, end } = await ended;
  await isThere(() => [...reader.buckets.values()].reduce((sum, { count }) => sum + count, 0) === 100);
  expect(await service.stop()).toBe(0);
  await end;
});

test.each([
  [['-x'], {}],
  [[], { DISABLE: 'true' }],
])('alone and parked by %j %j it answers, and opens nothing', async (flags, env) => {
  const alone = await startAlone('parked', { flags, env });
  expect(await (await fetch(`${alone.url}/api`)).text()).toBe('{"message":"processing disabled, did nothing","points":null}\n');
  expect(await (await fetch(`${alone.operations}/metrics`)).text()).toContain('sluice_disabled{component="aggregator"} 1\n');
  expect(await alone.stop()).toBe(0);
  expect(await readdir(join(folder, 'parked'))).not.toContain('series');
});

test('alone it knows the names of the original, and has empty stores of its own', async () => {
  const env = { DEFAULT_RANGE: '20s', DEFAULT_STEP: '20s', ALIGN: 'compat', COMPAT_PARTIAL: 'ok', CACHE_MS: '0', WATERMARK: '5.0' };
  const alone = await startAlone('alone', { flags: [], env });
  const { message, points } = seriesAnswerSchema.parse(await (await fetch(`${alone.url}/api`)).json());
  expect(message).toBe('ok');
  expect(points?.map(({ type, count }) => [type, count])).toEqual([
    ['high', 0],
    ['low', 0],
  ]);
  expect((points?.[1]?.time ?? 0) - (points?.[0]?.time ?? 0)).toBe(20_000);
  expect(await alone.stop()).toBe(0);
});

test.each(['silent', 'refusing'])('a store behind a %s port costs its own points only', async (kind) => {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    if (kind === 'refusing') socket.destroy();
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const alone = await startAlone(kind, { flags: [], env: { POSTGRES_PORT: String(address.port), SLUICE_SERIES_HIGH_TIMEOUT: '2s' } });
  const { message, points, errors } = seriesAnswerSchema.parse(await (await fetch(`${alone.url}/api`)).json());
  expect(message).toBe('partial');
  expect(points?.filter(({ type }) => type === 'low')).toHaveLength(60);
  expect(points).toHaveLength(60);
  expect(errors).toMatchObject([{ type: 'high', code: 'seriesUnavailable' }]);
  expect(await alone.stop()).toBe(0);
  for (const socket of sockets) socket.destroy();
  listener.close();
});

async function startAlone(name: string, { flags, env }: { flags: readonly string[]; env: Record<string, string> }) {
  const args = [
    binary,
    'aggregator',
    '--data-dir',
    join(folder, name),
    '--port',
    '0',
    '--operations-listen',
    '127.0.0.1:0',
    '--ready-line',
  ];
  const child = spawn(process.execPath, [...args, ...flags], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ...env } });
  const exited = once(child, 'exit').then(([code]) => Number(code));
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { urls } = JSON.parse(String(line)) as { urls: Record<string, string> };
  const stop = () => {
    child.kill('SIGTERM');
    return exited;
  };
  return { url: urls['aggregator'] ?? '', operations: urls['operations'] ?? '', stop };
}

async function follow(path: string) {
  const response = await aggregator(path);
  const reader = new StreamReader();
  const taken = Promise.withResolvers<void>();
  let isThere = () => false;
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      reader.read(decoder.decode(bytes, { stream: true }));
      if (isThere()) taken.resolve();
    }
  };
  const waitUntil = async (isSo: () => boolean) => {
    isThere = isSo;
    if (isSo()) return;
    await taken.promise;
  };
  return { reader, end: read(), isThere: waitUntil };
}
