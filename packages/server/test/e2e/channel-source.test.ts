import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSluice } from '../support/run-sluice.ts';

const binary = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url));
const frameBytes = 23 + 188;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-channel-source-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** All that the source sends to one client until it ends, and how the process ended. */
async function received(flags: readonly string[], env: Readonly<Record<string, string>>) {
  const args = [binary, 'channel-source', '--data-dir', folder, '--operations-listen', '127.0.0.1:0', '--ready-line', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const exited = once(child, 'exit');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { urls } = JSON.parse(String(line)) as { urls: Record<string, string> };
  const { hostname: host, port } = new URL(urls['channel-source'] ?? '');
  const bytes = await buffer(connect({ host, port: Number(port) }));
  const [code] = await exited;
  return { bytes, code };
}

test('it takes the names of the original, sends its channels, and ends after its time', async () => {
  const flags = [
    '--channels',
    'a,zato01',
    '--rate',
    '200',
    '--payload',
    '188',
    '--seed',
    '3',
    '--prefix-hex',
    '0102030405',
    '--log-level',
    'warn',
  ];
  const { bytes, code } = await received(flags, { PORT: '0', EXECUTION_DURATION: '3sec' });
  expect(code).toBe(0);
  expect(bytes.length % frameBytes).toBe(0);
  const frames = Array.from({ length: bytes.length / frameBytes }, (_, index) =>
    bytes.subarray(index * frameBytes, (index + 1) * frameBytes),
  );
  expect(new Set(frames.map((frame) => frame.subarray(0, 5).toString('hex')))).toEqual(new Set(['0102030405']));
  expect(new Set(frames.map((frame) => frame.toString('latin1', 5, 11)))).toEqual(new Set(['a\0\0\0\0\0', 'zato01']));
});

test('a file that cannot be read is told', async () => {
  const { code, err } = await runSluice('channel-source', '--data-dir', folder, '--port', '0', '--input-ts', `${folder}/none`);
  expect([code, err]).toEqual([64, expect.stringContaining(`${folder}/none, cannot be read`)]);
});
