import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { silentFanoutMeter } from '../../../test/support/fanout-fixture.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { openSystemHub } from '../../../test/support/system-hub.ts';
import { openTempFolder } from '../../../test/support/temp-folder.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { isAppError } from '../../kernel/errors/app-error.ts';
import { systemTimer } from '../../kernel/time/start-timer.ts';
import { ChannelViewer, type ChannelViewerSettings } from './channel-viewer.ts';
import { encodeV1 } from './fanout/frame-v1.ts';
import { ViewerAdmission } from './viewer-admission.ts';
import { ViewerServer } from './viewer-server.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function openServer() {
  const opened = openSystemHub();
  const admission = new ViewerAdmission({
    users: { isRegistered: async (user) => user !== 'stranger' },
    limits: { total: 0, perUser: 0, perAddress: 0 },
    meter: silentFanoutMeter,
    logger: silentLogger,
  });
  const settings = { handshakeTimeoutMs: 5000, handshakeMaxBytes: 4096, handshakeErrors: 'line', keepAliveMs: 30_000 } as const;
  const server = new ViewerServer({ hub: opened.hub, admission, settings, startTimer: systemTimer, logger: silentLogger });
  const at = await server.listen({ host: '127.0.0.1', port: 0 });
  const stop = new AbortController();
  const run = server.run(stop.signal);
  cleanups.push(() => {
    opened.hub.end();
    stop.abort();
    return run;
  });
  const untilSessions = (count: number) =>
    waitFor(
      async () => opened.hub.sessionCount,
      (now) => now === count,
    );
  return { ...opened, at, untilSessions };
}

function watch(settings: Partial<ChannelViewerSettings> & Pick<ChannelViewerSettings, 'server'>) {
  const stop = new AbortController();
  const viewer = new ChannelViewer({
    settings: {
      user: 'user-1',
      channel: 'zato01',
      frame: 'v1',
      from: 'live',
      file: '',
      durationMs: 0,
      bytes: 0,
      reconnect: true,
      ...settings,
    },
    logger: silentLogger,
    onDone: () => stop.abort(),
  });
  const ended = viewer.run(stop.signal).then(
    () => undefined,
    (error: unknown) => (isAppError(error) ? error.code : error),
  );
  cleanups.push(() => {
    stop.abort();
    return ended;
  });
  return { viewer, ended, stop };
}

test.each(['raw', 'v1'] as const)('frame=%s writes what was sent, byte for byte', async (frame) => {
  const { at, send, untilSessions } = await openServer();
  await using folder = await openTempFolder();
  const file = join(folder.path, 'user-1.ts');
  const payloads = Array.from({ length: 300 }, (_, sequence) => Buffer.alloc(1 + ((sequence * 7919) % 2000), sequence));
  const truth = Buffer.concat(payloads);
  const { ended, viewer } = watch({ server: at, frame, file, bytes: truth.length });
  await untilSessions(1);
  for (const [sequence, payload] of payloads.entries()) send(sequence, payload);
  expect(await ended).toBeUndefined();
  const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  expect(sha(await readFile(file))).toBe(sha(truth));
  expect(viewer.counts.bytes).toBe(truth.length);
});

test('gets the bytes of a server that knows a user and a channel, and sends nothing but payloads', async () => {
  await using folder = await openTempFolder();
  const lines: string[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.once('data', (line) => {
      lines.push(String(line));
      for (const payload of ['one', 'two', 'three']) socket.write(payload);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const file = join(folder.path, 'user-1.ts');
  const { ended } = watch({ server: { host: '127.0.0.1', port }, frame: 'raw', file, bytes: 11 });
  expect(await ended).toBeUndefined();
  expect(await readFile(file, 'utf8')).toBe('onetwothree');
  expect(lines).toEqual([expect.stringMatching(/^user-1 zato01[ \n]/)]);
});

test('goes on behind the last number when its connection breaks', async () => {
  const { hub, at, send, untilSessions } = await openServer();
  const { viewer, stop, ended } = watch({ server: at });
  await untilSessions(1);
  for (let sequence = 0; sequence < 10; sequence += 1) send(sequence, 'x');
  await waitFor(
    async () => viewer.counts.packets,
    (packets) => packets === 10,
  );
  hub.closeUser('user-1');
  for (let sequence = 10; sequence < 20; sequence += 1) send(sequence, 'x');
  await waitFor(
    async () => viewer.counts.packets,
    (packets) => packets === 20,
  );
  stop.abort();
  expect(await ended).toBeUndefined();
  expect(viewer.counts).toMatchObject({ packets: 20, missed: 0, disorder: 0 });
});

test('ends where it is refused, and where it asks for one connection only', async () => {
  const { hub, at, untilSessions } = await openServer();
  expect(await watch({ server: at, user: 'stranger' }).ended).toBe('viewerRefused');
  const { ended } = watch({ server: at, reconnect: false });
  await untilSessions(1);
  hub.closeUser('user-1');
  expect(await ended).toBeUndefined();
});

test.each([
  ['numbers that do not rise', [5, 5]],
  ['a number passed over', [5, 7]],
])('%s end it as disordered', async (_, sequences) => {
  const server = createServer((socket: Socket) => {
    socket.on('error', () => {});
    socket.write(Buffer.concat(encodeV1({ type: 'hello', epoch: 1, next: 5 })));
    for (const sequence of sequences)
      socket.write(Buffer.concat(encodeV1({ type: 'data', epoch: 1, sequence, payload: Buffer.from('x') })));
    socket.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => server.close());
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  expect(await watch({ server: { host: '127.0.0.1', port }, reconnect: false }).ended).toBe('viewerDisordered');
});
