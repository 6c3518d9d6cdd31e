import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentFanoutMeter } from '../../../test/support/fanout-fixture.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { openSystemHub } from '../../../test/support/system-hub.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { systemTimer } from '../../kernel/time/start-timer.ts';
import type { FanoutRules } from './channel-hub.ts';
import type { StreamFrame } from './fanout/stream-frame.ts';
import { V1Reader } from './fanout/v1-reader.ts';
import { ViewerAdmission } from './viewer-admission.ts';
import { ViewerServer, type ViewerServerSettings } from './viewer-server.ts';

interface Given extends Partial<ViewerServerSettings> {
  readonly limits?: { readonly total?: number; readonly perUser?: number; readonly perAddress?: number };
  readonly rules?: Partial<FanoutRules>;
  readonly isRegistered?: (user: string, signal: AbortSignal) => Promise<boolean>;
}

let opened: { stop: () => Promise<void> }[] = [];
let sockets: Socket[] = [];
beforeEach(() => {
  opened = [];
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const one of opened) await one.stop();
});

async function open({ rules, limits, isRegistered = async (user) => user !== 'stranger', ...settings }: Given = {}) {
  const failures: string[] = [];
  const ends: string[] = [];
  const meter = {
    ...silentFanoutMeter,
    handshakeFailed: (code: string) => failures.push(code),
    sessionEnded: (reason: string) => ends.push(reason),
  };
  const { hub, accounts, output, send } = openSystemHub({ ...(rules && { rules }), meter });
  const server = new ViewerServer({
    hub,
    admission: new ViewerAdmission({
      users: { isRegistered },
      limits: { total: 0, perUser: 0, perAddress: 0, ...limits },
      meter,
      logger: silentLogger,
    }),
    settings: {
      handshakeTimeoutMs: 5000,
      handshakeMaxBytes: 4096,
      handshakeErrors: 'silent',
      keepAliveMs: 30_000,
      ...settings,
    },
    startTimer: systemTimer,
    logger: silentLogger,
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const controller = new AbortController();
  const run = server.run(controller.signal);
  const stop = async () => {
    hub.end();
    controller.abort();
    await run;
  };
  opened.push({ stop });
  /** A viewer that says the line; `received` grows. */
  const viewer = (line: string | Buffer, { isEnded = false } = {}) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    const chunks: Buffer[] = [];
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {});
    socket.once('end', () => socket.end());
    if (isEnded) socket.end(line);
    else socket.write(line);
    const receivedBytes = (): number => chunks.reduce((sum, { length }) => sum + length, 0);
    return { socket, closed, received: () => Buffer.concat(chunks), receivedBytes };
  };
  const untilSessions = (count: number) =>
    waitFor(
      async () => hub.sessionCount,
      (now) => now === count,
    ).then((now) => expect(now).toBe(count));
  return { hub, server, port, output, send, viewer, accounts, failures, ends, untilSessions };
}

const untilText = (viewer: { received: () => Buffer }, text: string) =>
  waitFor(
    async () => viewer.received().toString('latin1'),
    (now) => now === text,
  ).then((now) => expect(now).toBe(text));
const openDescriptors = () => readdirSync('/proc/self/fd').length;

describe('the line of a viewer', () => {
  test.each([
    ['user-1 zato01\n'],
    ['user-1 zato01\r\n'],
    ['  user-1 \t zato01  \n'],
    ['user-1 zato01 some words\n'],
    [`user-1 zato01 ${'x'.repeat(4000)}\n`],
  ])('%j is answered with payloads only', async (line) => {
    const { send, viewer, untilSessions } = await open();
    send(0, 'before');
    const watching = viewer(line);
    await untilSessions(1);
    send(1, 'one');
    send(2, 'two');
    await untilText(watching, 'onetwo');
  });

  test('may come in pieces', async () => {
    const { send, viewer, untilSessions } = await open();
    const watching = viewer('user');
    for (const piece of ['-1', ' zat', 'o01', '\n']) {
      await new Promise((resolve) => setImmediate(resolve));
      watching.socket.write(piece);
    }
    await untilSessions(1);
    send(0, 'x');
    await untilText(watching, 'x');
  });

  test('may end with the side of the viewer, which goes on receiving', async () => {
    const { send, viewer, untilSessions } = await open();
    const watching = [viewer('user-1 zato01\n', { isEnded: true }), viewer('user-2 zato01', { isEnded: true })];
    await untilSessions(2);
    send(0, 'still here');
    for (const one of watching) await untilText(one, 'still here');
  });

  test('half-closed with nothing to send is closed', async () => {
    const { viewer, untilSessions, ends } = await open();
    const watching = viewer('user-1 zato01\n', { isEnded: true });
    await untilSessions(1);
    await watching.closed;
    expect(ends).toEqual(['idle']);
  });

  test.each([
    ['user-1\n', 'BAD_REQUEST', 'ERR BAD_REQUEST The line is <user> <channel>\n'],
    ['\n', 'BAD_REQUEST', 'ERR BAD_REQUEST The line is <user> <channel>\n'],
    ['stranger zato01\n', 'NOT_REGISTERED', 'ERR NOT_REGISTERED The user is not registered\n'],
    ['x'.repeat(5000), 'BAD_REQUEST', 'ERR BAD_REQUEST The line is too long\n'],
    [Buffer.from([0xff, 0xfe, 0x00, 0x20, 0x80, 0x0a]), 'BAD_REQUEST', 'ERR BAD_REQUEST The line is not UTF-8\n'],
    ['user-1 zato01 frame=v9\n', 'BAD_REQUEST', 'ERR BAD_REQUEST frame is raw, len or v1\n'],
  ] as [string | Buffer, string, string][])('%j is refused: silently, or with a line where that is asked for', async (line, code, text) => {
    for (const handshakeErrors of ['silent', 'line'] as const) {
      const { viewer, failures, hub } = await open({ handshakeErrors });
      const refused = viewer(line);
      await refused.closed;
      expect(refused.received().toString()).toBe(handshakeErrors === 'line' ? text : '');
      expect([failures, hub.sessionCount]).toEqual([[code], 0]);
    }
  });

  test('that never comes is not waited for, also byte by byte', async () => {
    const { viewer, failures } = await open({ handshakeTimeoutMs: 100 });
    const silent = viewer('');
    const slow = viewer('u');
    const dripping = setInterval(() => slow.socket.write('u'), 10);
    await Promise.all([silent.closed, slow.closed]);
    clearInterval(dripping);
    expect(failures).toEqual(['TIMED_OUT', 'TIMED_OUT']);
  });

  test('with text that is code to a store is a name like any other', async () => {
    const asked: string[] = [];
    const { viewer, untilSessions, hub } = await open({ isRegistered: async (user) => asked.push(user) > 0 });
    viewer("'';DROP/**/TABLE/**/users;-- zato01'OR'1'='1\n");
    await untilSessions(1);
    expect(asked).toEqual(["'';DROP/**/TABLE/**/users;--"]);
    expect(hub.sessions()).toMatchObject([{ user: "'';DROP/**/TABLE/**/users;--", channel: "zato01'OR'1'='1" }]);
  });

  test('while the store does not answer is refused with its own code', async () => {
    const down = async () => {
      throw new AppError('metadataUnavailable', 'down');
    };
    const { viewer } = await open({ isRegistered: down, handshakeErrors: 'line' });
    const refused = viewer('user-1 zato01\n');
    await refused.closed;
    expect(refused.received().toString()).toMatch(/^ERR STORE_UNAVAILABLE /);
    const hanging = (_: string, signal: AbortSignal) =>
      new Promise<boolean>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const other = await open({ isRegistered: hanging, handshakeErrors: 'line', handshakeTimeoutMs: 50 });
    const late = other.viewer('user-1 zato01\n');
    await late.closed;
    expect(late.received().toString()).toMatch(/^ERR STORE_UNAVAILABLE /);
  });
});

describe('limits', () => {
  test.each([
    ['total', { total: 1 }],
    ['of an address', { perAddress: 1 }],
    ['of a user', { perUser: 1 }],
  ])('%s: one more is refused, and let in when one has left', async (_, limits) => {
    const { viewer, untilSessions } = await open({ limits, handshakeErrors: 'line' });
    const first = viewer('user-1 zato01\n');
    await untilSessions(1);
    const refused = viewer('user-1 zato01\n');
    await refused.closed;
    expect(refused.received().toString()).toMatch(/^ERR TOO_MANY_SESSIONS /);
    first.socket.resetAndDestroy();
    await untilSessions(0);
    viewer('user-1 zato01\n');
    await untilSessions(1);
  });
});

test('refused connections that their viewers do not close are bounded', async () => {
  const { port, untilSessions, viewer } = await open({ limits: { total: 1 }, handshakeErrors: 'line' });
  viewer('user-1 zato01\n');
  await untilSessions(1);
  const texts: string[] = [];
  const closed = Array.from({ length: 300 }, async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    socket.on('data', (chunk: Buffer) => texts.push(chunk.toString())).on('error', () => {});
    await once(socket, 'end').catch(() => {});
  });
  await Promise.all(closed);
  expect(texts.length).toBe(256);
});

describe('sessions', () => {
  test('get what was sent byte for byte', async () => {
    const { send, viewer, untilSessions } = await open();
    const watching = viewer('user-1 zato01\n');
    await untilSessions(1);
    const truth = createHash('sha256');
    let bytes = 0;
    for (let sequence = 0; sequence < 2000; sequence += 1) {
      const payload = Buffer.alloc(1 + ((sequence * 7919) % 3000), sequence);
      truth.update(payload);
      bytes += payload.length;
      send(sequence, payload);
      if (sequence % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await waitFor(
      async () => watching.receivedBytes(),
      (length) => length >= bytes,
    );
    expect(createHash('sha256').update(watching.received()).digest('hex')).toBe(truth.digest('hex'));
  });

  test('resume behind what they have, without a number twice', async () => {
    const { send, viewer, untilSessions } = await open();
    for (let sequence = 0; sequence < 10; sequence += 1) send(sequence, `p${sequence}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
    const watching = viewer('user-1 zato01 from=1:7,frame=v1\n');
    await untilSessions(1);
    send(10, 'p10');
    await waitFor(
      async () => watching.receivedBytes(),
      (length) => length >= 21 * 5 + 9,
    );
    const frames: StreamFrame[] = [...new V1Reader(1000).read(watching.received())];
    expect(frames.map((frame) => (frame.type === 'data' ? frame.sequence : `${frame.type}`))).toEqual(['hello', 7, 8, 9, 10]);
  });

  test('with ack=1 are billed for what they acknowledge', async () => {
    const { send, viewer, untilSessions, accounts } = await open();
    const watching = viewer('user-1 zato01 frame=v1,ack=1\n');
    await untilSessions(1);
    send(0, 'abc');
    await waitFor(
      async () => watching.receivedBytes(),
      (length) => length >= 45,
    );
    expect(accounts.of('s1').packets).toBe(0);
    watching.socket.write('nonsense\nACK 1');
    watching.socket.write(':0\n');
    expect(
      await waitFor(
        async () => accounts.of('s1').packets,
        (packets) => packets > 0,
      ),
    ).toBe(1);
  });

  test('that never read delay nobody, and are billed for what the system can hold at most', async () => {
    const { send, viewer, untilSessions, accounts, hub } = await open({ rules: { maxLagBytes: 256 * 1024 } });
    const deaf = viewer('user-1 zato01\n');
    deaf.socket.pause();
    const watching = viewer('user-2 zato01\n');
    await untilSessions(2);
    const payload = Buffer.alloc(64 * 1024);
    const packets = 400;
    for (let sequence = 0; sequence < packets; sequence += 1) {
      send(sequence, payload);
      // The one that reads never lags by more than its bound.
      while (watching.receivedBytes() < (sequence - 1) * payload.length) await once(watching.socket, 'data');
    }
    await waitFor(
      async () => watching.receivedBytes(),
      (length) => length === packets * payload.length,
    );
    expect(watching.receivedBytes()).toBe(packets * payload.length);
    const untakenBytes = await waitFor(
      async () => hub.sessions().find(({ user }) => user === 'user-1')?.untakenBytes ?? 0,
      (bytes) => bytes > 0,
    );
    deaf.socket.destroy();
    await untilSessions(1);
    const { packets: billed, untaken } = accounts.of('s1');
    expect(billed).toBeLessThan(packets);
    expect(untaken?.bytes).toBeGreaterThanOrEqual(untakenBytes);
    expect(untaken?.bytes).toBeLessThan(untakenBytes + payload.length);
    expect(accounts.of('s2')).toMatchObject({ packets, dropped: 0 });
  });

  test('opened and closed by the thousand leave nothing behind', async () => {
    const { viewer, untilSessions, hub, accounts } = await open();
    const before = openDescriptors();
    for (let round = 0; round < 10; round += 1) {
      const watching = Array.from({ length: 100 }, (_, index) =>
        viewer(index % 5 === 4 ? 'stranger zato01\n' : `user-${index} channel-${index}\n`),
      );
      await untilSessions(80);
      // In the last round as a viewer that ends its side; it cannot be told from one that still listens.
      for (const { socket } of watching) round < 9 ? socket.resetAndDestroy() : socket.destroy();
      await Promise.all(watching.map(({ closed }) => closed));
      await untilSessions(0);
    }
    expect(
      await waitFor(
        async () => openDescriptors(),
        (now) => now <= before,
      ),
    ).toBeLessThanOrEqual(before);
    expect(hub.channels().map(({ channel }) => channel)).toEqual(['zato01']);
    expect(accounts.all().filter(({ isClosed }) => !isClosed)).toEqual([]);
    expect(accounts.all().length).toBe(800);
  });

  test('end one by one when the service stops: what was sent arrives, then a bye', async () => {
    const { server, send, viewer, untilSessions, port } = await open({ handshakeErrors: 'line' });
    const watching = viewer('user-1 zato01 frame=v1\n');
    const undecided = viewer('user-2');
    await untilSessions(1);
    send(0, 'last');
    await server.stopAccepting();
    await server.drain(5000);
    await watching.closed;
    const frames = [...new V1Reader(1000).read(watching.received())];
    expect(frames.map(({ type }) => type)).toEqual(['hello', 'data', 'bye']);
    await undecided.closed;
    expect(undecided.received().toString()).toBe('ERR SHUTTING_DOWN The service is shutting down\n');
    const late = connect(port, '127.0.0.1');
    await expect(once(late, 'connect')).rejects.toThrow('ECONNREFUSED');
  });
});
