import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { StreamFrame } from '../../src/features/channels/fanout/stream-frame.ts';
import { V1Reader } from '../../src/features/channels/fanout/v1-reader.ts';
import { encodeFrame } from '../../src/features/channels/source/frame.ts';
import { FramedOrder } from '../../src/features/channels/watch/framed-order.ts';
import { LaneProcess } from '../support/lane/lane-process.ts';
import { openTempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait-for.ts';

/** `GET /watch` of the whole service, from a source to browsers. */

const maxBufferSlabs = 64;
let source: ReturnType<typeof createServer>;
let connections: Socket[];
let folder: Awaited<ReturnType<typeof openTempFolder>>;
let service: LaneProcess;

beforeEach(async () => {
  connections = [];
  source = createServer((socket) => connections.push(socket.on('error', () => {})));
  await once(source.listen(0, '127.0.0.1'), 'listening');
  const address = source.address();
  if (address === null || typeof address === 'string') throw new Error('the source has no port');
  folder = await openTempFolder();
  const listeners = ['operations', 'channels', 'channels-stream'].flatMap((name) => [`--${name}-listen`, '127.0.0.1:0']);
  const bounds = ['--channels-stream-session-queue', '1MB', '--channels-max-buffer', '16MB'];
  const settings = ['--channels-source-addresses', `127.0.0.1:${address.port}`, ...bounds];
  const args = ['channels', '--data-dir', folder.path, '--log-level', 'warn', ...listeners, ...settings];
  service = new LaneProcess({ name: 'channels', args, env: {} });
  await service.start();
  for (const user of ['user-1', 'user-2', 'user-3'])
    expect((await fetch(urlOf('/register'), { method: 'POST', body: user })).status).toBe(200);
  await waitFor(
    async () => connections.length,
    (length) => length > 0,
  );
});
afterEach(async () => {
  const end = await service.stop();
  for (const socket of connections) socket.destroy();
  source.close();
  await folder[Symbol.asyncDispose]();
  expect([end, service.problems]).toEqual([0, []]);
});

const urlOf = (path: string): string => `${service.urls['channels']}${path}`;
const ask = async (path: string) => JSON.parse(await (await fetch(urlOf(path))).text());

function send(channel: string, sequences: readonly number[], bytes = 188): void {
  for (const sequence of sequences)
    connections.at(-1)?.write(encodeFrame({ prefix: Buffer.alloc(5), channel, sequence, payload: Buffer.alloc(bytes, sequence) }));
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** A viewer over WebSocket, and what it was told. */
function watchBySocket(query: string) {
  const socket = new WebSocket(urlOf(`/watch?${query}`).replace(/^http/, 'ws'));
  const frames: StreamFrame[] = [];
  socket.on('error', () => {});
  socket.on('message', (data) => {
    for (const frame of new V1Reader(1_000_000).read(data as Buffer)) frames.push(frame);
  });
  return { socket, frames };
}

/** A viewer of server-sent events; its frames are those of the events. */
async function watchByEvents(query: string) {
  const [response] = (await once(get(urlOf(`/watch?${query}`), { agent: false }), 'response')) as [IncomingMessage];
  response.on('error', () => {});
  const ended = once(response, 'end');
  const frames: StreamFrame[] = [];
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) if (!block.startsWith(':')) frames.push(frameOf(block));
  });
  return { response, ended, frames, rest: () => text };
}

function frameOf(block: string): StreamFrame {
  const type = /^event: (\w+)$/m.exec(block)?.[1];
  const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '');
  if (type === 'data') return { type, epoch: data.epoch, sequence: data.seq, payload: Buffer.from(data.payload, 'base64') };
  return { type, ...data };
}

const untilSessions = async (count: number) =>
  expect(
    await waitFor(
      async () => (await ask('/sessions')).sessions.length as number,
      (length) => length === count,
    ),
  ).toBe(count);

const untilNumber = async (frames: readonly StreamFrame[], sequence: number) =>
  expect(
    await waitFor(
      async () => frames.some((frame) => frame.type === 'data' && frame.sequence === sequence),
      (isThere) => isThere,
    ),
  ).toBe(true);

const told = (frames: readonly StreamFrame[]) => frames.map((frame) => (frame.type === 'data' ? frame.sequence : frame.type));

async function detailOf(user: string): Promise<readonly { readonly packets: number; readonly bytes: number; readonly dropped: number }[]> {
  return (await ask(`/usage/${user}?detail=1`)).detail;
}

test('browsers are shown shuffled packets in order, and are billed their payloads', async () => {
  const { socket, frames: bySocket } = watchBySocket('user=user-1&channel=zato01');
  const { response, frames: byEvents } = await watchByEvents('user=user-2&channel=zato01');
  expect([response.statusCode, response.headers['content-type'], response.headers['cache-control']]).toEqual([
    200,
    'text/event-stream',
    'no-store',
  ]);
  await untilSessions(2);
  const shuffled = range(0, 199).sort((one, other) => (one ^ 5) - (other ^ 5));
  expect(shuffled.slice(0, 3)).toEqual([5, 4, 7]);
  send('zato01', shuffled);
  for (const frames of [bySocket, byEvents]) {
    await untilNumber(frames, 199);
    expect(told(frames)).toEqual(['hello', 'epoch', ...range(0, 199)]);
    expect(frames.every((frame) => frame.type !== 'data' || Buffer.from(frame.payload).equals(Buffer.alloc(188, frame.sequence)))).toBe(
      true,
    );
  }
  socket.terminate();
  response.destroy();
  await untilSessions(0);
  for (const user of ['user-1', 'user-2']) {
    const detail = await waitFor(
      () => detailOf(user),
      ([one]) => one !== undefined,
    );
    expect(detail).toMatchObject([{ packets: 200, bytes: 200 * 188, dropped: 0 }]);
  }
});

test('who comes back says what it lacks', async () => {
  const first = watchBySocket('user=user-1&channel=zato01');
  await untilSessions(1);
  send('zato01', range(0, 9));
  await untilNumber(first.frames, 9);
  first.socket.terminate();
  await untilSessions(0);
  const again = watchBySocket('user=user-1&channel=zato01&from=1:4');
  await untilNumber(again.frames, 9);
  expect(told(again.frames)).toEqual(['hello', ...range(4, 9)]);
  again.socket.terminate();
});

test('who cannot watch is told why, over both', async () => {
  const refused = [
    ['user=stranger&channel=zato01', 403, 'NOT_REGISTERED'],
    ['channel=zato01', 400, 'BAD_REQUEST'],
    ['user=user-1', 400, 'BAD_REQUEST'],
    [`user=user-1&channel=${'z'.repeat(65)}`, 400, 'BAD_REQUEST'],
    ['user=user-1&channel=zato01&from=soon', 400, 'BAD_REQUEST'],
  ] as const;
  for (const [query, status, code] of refused) {
    const answer = await fetch(urlOf(`/watch?${query}`));
    expect([query, answer.status, await answer.json()]).toMatchObject([query, status, { code }]);
    const { socket } = watchBySocket(query);
    const [, upgraded] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    expect([query, upgraded.statusCode]).toEqual([query, status]);
  }
  expect((await ask('/sessions')).sessions).toEqual([]);
});

test('a channel that nobody sends to is quiet until somebody does, and other paths are not there', async () => {
  const { response, frames } = await watchByEvents('user=user-1&channel=later');
  await untilSessions(1);
  expect(response.statusCode).toBe(200);
  send('later', [0, 1]);
  await untilNumber(frames, 1);
  expect(frames.slice(0, 2)).toEqual([
    { type: 'hello', epoch: 0, next: 0 },
    { type: 'epoch', epoch: 1, next: 0 },
  ]);
  expect(told(frames)).toEqual(['hello', 'epoch', 0, 1]);
  response.destroy();
  expect((await fetch(urlOf('/watch/zato01'))).status).toBe(404);
  expect((await fetch(urlOf('/watch?user=user-1&channel=zato01'), { method: 'POST' })).status).toBe(404);
  const [, refused] = (await once(
    new WebSocket(urlOf('/other').replace(/^http/, 'ws')).on('error', () => {}),
    'unexpected-response',
  )) as [unknown, IncomingMessage];
  expect(refused.statusCode).toBe(404);
});

test('browsers that do not read hold one write, cost others nothing, and are told what they missed', async () => {
  const reading = watchBySocket('user=user-1&channel=zato01');
  const stalled = watchBySocket('user=user-2&channel=zato01');
  const events = await watchByEvents('user=user-3&channel=zato01');
  await untilSessions(3);
  send('zato01', [0]);
  for (const { frames } of [reading, stalled, events]) await untilNumber(frames, 0);
  stalled.socket.pause();
  events.response.pause();
  const bytes = 64 * 1024;
  const atOnce = 8;
  const last = 80 * atOnce;
  let slabs = 0;
  for (let from = 1; from <= last; from += atOnce) {
    send('zato01', range(from, from + atOnce - 1), bytes);
    await untilNumber(reading.frames, from + atOnce - 1);
    const metrics = await (await fetch(`${service.urls['operations']}/metrics`)).text();
    const used = [...metrics.matchAll(/^sluice_channels_buffer_slabs\{.*\} (\d+)$/gm)].map(([, value]) => Number(value));
    slabs = Math.max(
      slabs,
      used.reduce((sum, value) => sum + value, 0),
    );
  }
  expect(told(reading.frames)).toEqual(['hello', 'epoch', ...range(0, last)]);
  expect(slabs).toBeGreaterThan(0);
  expect(slabs).toBeLessThanOrEqual(maxBufferSlabs);
  stalled.socket.resume();
  events.response.resume();
  for (const { frames } of [stalled, events]) {
    await untilNumber(frames, last);
    const order = new FramedOrder();
    for (const frame of frames) order.take(frame);
    const { disorder, missed, packets } = order.counts;
    expect({ disorder, numbers: missed + packets }).toEqual({ disorder: 0, numbers: last + 1 });
    expect(missed).toBeGreaterThan(0);
  }
  const missed = (frames: readonly StreamFrame[]) =>
    frames.reduce((sum, frame) => (frame.type === 'gap' ? sum + frame.to - frame.from + 1 : sum), 0);
  const { sessions } = await ask('/sessions');
  expect(sessions).toHaveLength(3);
  expect(sessions).toContainEqual(expect.objectContaining({ user: 'user-2', dropped: missed(stalled.frames) }));
  expect(sessions).toContainEqual(expect.objectContaining({ user: 'user-3', dropped: missed(events.frames) }));
  for (const { socket } of [reading, stalled]) socket.terminate();
  events.response.destroy();
});

test('a stop says good-bye to browsers, and waits for none that does not read', async () => {
  const open = watchBySocket('user=user-1&channel=zato01');
  const events = await watchByEvents('user=user-2&channel=zato01');
  const deaf = watchBySocket('user=user-3&channel=zato01');
  await untilSessions(3);
  send('zato01', range(0, 4));
  for (const { frames } of [open, events, deaf]) await untilNumber(frames, 4);
  deaf.socket.pause();
  const closed = once(open.socket, 'close');
  expect(await service.stop()).toBe(0);
  expect((await closed)[0]).toBe(1000);
  await events.ended;
  expect(events.rest()).toBe('');
  for (const { frames } of [open, events]) {
    expect(told(frames)).toEqual(['hello', 'epoch', ...range(0, 4), 'bye']);
    expect(frames.at(-1)).toMatchObject({ code: 'SHUTTING_DOWN' });
  }
  deaf.socket.terminate();
});
