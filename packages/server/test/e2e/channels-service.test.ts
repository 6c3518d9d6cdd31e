import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { V1Reader } from '../../src/features/channels/fanout/v1-reader.ts';
import { encodeFrame } from '../../src/features/channels/source/frame.ts';
import { LaneProcess } from '../support/lane/lane-process.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** The whole service between a source that sends what a test says, and viewers. */

const packetMs = 20;
const source = createServer();
const connections: Socket[] = [];
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let service: LaneProcess;

beforeAll(async () => {
  source.on('connection', (socket) => connections.push(socket.on('error', () => {})));
  await once(source.listen(0, '127.0.0.1'), 'listening');
  const address = source.address();
  if (address === null || typeof address === 'string') throw new Error('the source has no port');
  folder = await openTempFolder();
  const listeners = ['operations', 'channels', 'channels-stream'].flatMap((name) => [`--${name}-listen`, '127.0.0.1:0']);
  const settings = ['--channels-source-addresses', `127.0.0.1:${address.port}`, '--channels-packet-time', String(packetMs)];
  const args = ['channels', '--data-dir', folder.path, '--log-level', 'warn', ...listeners, ...settings];
  service = new LaneProcess({ name: 'channels', args, env: {} });
  await service.start();
  await untilConnected(1);
});
afterAll(async () => {
  const end = await service.stop();
  for (const socket of connections) socket.destroy();
  source.close();
  await folder[Symbol.asyncDispose]();
  expect([end, service.problems]).toEqual([0, []]);
});

const untilConnected = (count: number) =>
  waitFor(
    async () => connections.length,
    (length) => length >= count,
  );

const ask = async (path: string) => (await fetch(`${service.urls['channels']}${path}`)).text();

const frames = (channel: string, { from, count, bytes }: { readonly from: number; readonly count: number; readonly bytes: number }) =>
  Buffer.concat(
    Array.from({ length: count }, (_, index) =>
      encodeFrame({ prefix: Buffer.alloc(5), channel, sequence: from + index, payload: Buffer.alloc(bytes, index) }),
    ),
  );

/** Registers the user and waits until the session is there. */
async function watch(user: string, channel: string, options = '') {
  await fetch(`${service.urls['channels']}/register`, { method: 'POST', body: user });
  const { hostname: host, port } = new URL(service.urls['channels-tcp'] ?? '');
  const sessions = async () => JSON.parse(await ask(`/sessions?user=${user}`)).sessions.length as number;
  const before = await sessions();
  const socket = connect({ host, port: Number(port) });
  let bytes = 0;
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (options !== '') chunks.push(chunk);
  });
  socket.write(`${user} ${channel} ${options}\n`);
  expect(await waitFor(sessions, (count) => count > before)).toBe(before + 1);
  return { socket, bytes: () => bytes, chunks };
}

const untilBytes = (viewer: { readonly bytes: () => number }, wanted: number) =>
  waitFor(
    async () => viewer.bytes(),
    (bytes) => bytes >= wanted,
  );

test('31 s of packets are billed as 31 s, and two sessions of a user as twice that', async () => {
  const [one, first, second] = [await watch('one', 'media'), await watch('both', 'media'), await watch('both', 'media')];
  const sent = { from: 0, count: 31_000 / packetMs, bytes: 188 };
  connections.at(-1)?.write(frames('media', sent));
  for (const viewer of [one, first, second]) expect(await untilBytes(viewer, sent.count * sent.bytes)).toBe(sent.count * sent.bytes);
  const usage = (user: string, seconds: number) =>
    waitFor(
      () => ask(`/usage/${user}`),
      (text) => text === `{"sessions":{"media":${seconds}}}\n`,
    );
  expect(await usage('one', 31)).toBe('{"sessions":{"media":31}}\n');
  expect(await usage('both', 62)).toBe('{"sessions":{"media":62}}\n');
  for (const { socket } of [one, first, second]) socket.destroy();
});

test('a source killed within a frame costs its viewers one gap, and no connection', async () => {
  const viewer = await watch('steady', 'cut', 'frame=v1');
  const before = connections.at(-1);
  const open = connections.length;
  const bytes = 188;
  before?.end(Buffer.concat([frames('cut', { from: 0, count: 50, bytes }), frames('cut', { from: 50, count: 1, bytes }).subarray(0, 100)]));
  expect(await untilConnected(open + 1)).toBe(open + 1);
  connections.at(-1)?.write(frames('cut', { from: 51, count: 50, bytes }));
  // 100 packets, hello and a gap.
  await untilBytes(viewer, 100 * (21 + bytes) + 21 + 30);
  const kinds = [...new V1Reader(4096).read(Buffer.concat(viewer.chunks))].map((frame) => {
    if (frame.type === 'gap') return `gap ${frame.from} ${frame.to}`;
    return frame.type === 'data' ? frame.sequence : frame.type;
  });
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
  expect(kinds.filter((kind) => kind !== 'hello' && kind !== 'epoch')).toEqual([...range(0, 49), 'gap 50 50', ...range(51, 100)]);
  const { channels } = JSON.parse(await ask('/channels'));
  expect(channels).toContainEqual(expect.objectContaining({ id: 'cut', epoch: 1, gaps: 1, gapPackets: 1, viewers: 1 }));
  viewer.socket.destroy();
});

test('a viewer that never reads is billed one send buffer at most', async () => {
  const sendBufferBytes = Number(readFileSync('/proc/sys/net/ipv4/tcp_wmem', 'latin1').trim().split(/\s+/)[2]);
  const reading = await watch('reads', 'large');
  const deaf = await watch('deaf', 'large');
  deaf.socket.pause();
  const bytes = 64 * 1024;
  const rounds = Math.ceil((4 * sendBufferBytes) / (16 * bytes));
  for (let round = 0; round < rounds; round += 1) {
    connections.at(-1)?.write(frames('large', { from: 16 * round, count: 16, bytes }));
    await untilBytes(reading, 16 * (round + 1) * bytes);
  }
  const whole = 16 * rounds * bytes;
  expect(reading.bytes()).toBe(whole);
  deaf.socket.destroy();
  reading.socket.end();
  const billed = async (user: string) =>
    (JSON.parse(await ask(`/usage/${user}?detail=1`)).detail as { bytes: number }[]).reduce((sum, session) => sum + session.bytes, 0);
  expect(
    await waitFor(
      () => billed('reads'),
      (sum) => sum === whole,
    ),
  ).toBe(whole);
  expect(await billed('deaf')).toBeLessThanOrEqual(sendBufferBytes);
});
