import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { silentFanoutMeter } from '../../../test/support/fanout-fixture.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { openSystemHub } from '../../../test/support/system-hub.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { systemTimer } from '../../kernel/time/start-timer.ts';
import { createWebServer } from '../../kernel/tls/web-server.ts';
import { BrowserViewers } from './browser-viewers.ts';
import type { StreamFrame } from './fanout/stream-frame.ts';
import { V1Reader } from './fanout/v1-reader.ts';
import { ViewerAdmission } from './viewer-admission.ts';

let close = async (): Promise<void> => {};
afterEach(() => close());

async function open({ perUser = 0, heartbeatMs = 60_000 } = {}) {
  const { hub, accounts, send, output } = openSystemHub();
  const failures: string[] = [];
  const admission = new ViewerAdmission({
    users: { isRegistered: async (user) => user !== 'stranger' },
    limits: { total: 0, perUser, perAddress: 0 },
    meter: { ...silentFanoutMeter, handshakeFailed: (code) => failures.push(code) },
    logger: silentLogger,
  });
  const browsers = new BrowserViewers({ hub, admission, startTimer: systemTimer, heartbeatMs });
  const server = createWebServer({ headersTimeout: 5000 }, undefined);
  server.on('request', (request, response) => browsers.handleSse(request, response));
  server.on('upgrade', (request, socket, head) => browsers.handleUpgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  close = async () => {
    hub.end();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const webSocket = (query: string) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/?${query}`);
    const messages: Buffer[] = [];
    socket.on('message', (data) => messages.push(data as Buffer)).on('error', () => {});
    return { socket, frames: (): StreamFrame[] => messages.flatMap((message) => [...new V1Reader(10_000_000).read(message)]) };
  };
  const sse = async (query: string, headers: Record<string, string> = {}) => {
    const [response] = (await once(get(`http://127.0.0.1:${port}/?${query}`, { headers, agent: false }), 'response')) as [IncomingMessage];
    let text = '';
    response.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    response.on('error', () => {});
    const ended = new Promise<void>((resolve) => response.once('end', resolve));
    return { response, ended, text: () => text };
  };
  const untilSessions = (count: number) =>
    waitFor(
      async () => hub.sessionCount,
      (now) => now === count,
    ).then((now) => expect(now).toBe(count));
  return { hub, server, accounts, send, output, failures, webSocket, sse, untilSessions };
}

test('over WebSocket a message is a frame, whatever its length', async () => {
  const { hub, send, webSocket, untilSessions, accounts } = await open();
  const { socket, frames } = webSocket('user=user-1&channel=zato01');
  await untilSessions(1);
  const payloads = [0, 1, 104, 105, 65_514, 65_515, 200_000].map((length) => Buffer.alloc(length, length));
  for (const [sequence, payload] of payloads.entries()) send(sequence, payload);
  await waitFor(
    async () => frames().length,
    (length) => length === payloads.length + 1,
  );
  expect(frames()).toEqual([
    { type: 'hello', epoch: 1, next: 0 },
    ...payloads.map((payload, sequence) => ({ type: 'data', epoch: 1, sequence, payload })),
  ]);
  expect(accounts.of('s1')).toMatchObject({ packets: payloads.length, bytes: payloads.reduce((sum, { length }) => sum + length, 0) });
  const closed = once(socket, 'close');
  hub.closeUser('user-1');
  expect((await closed)[0]).toBe(1000);
  expect(frames().at(-1)).toMatchObject({ type: 'bye', code: 'CLOSED' });
});

test('a WebSocket whose end is not answered is cut off', async () => {
  const { hub, webSocket, untilSessions, server } = await open();
  const { socket } = webSocket('user=user-1&channel=zato01');
  await untilSessions(1);
  socket.pause();
  hub.closeUser('user-1');
  const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  expect(await connections()).toBe(1);
  expect(await waitFor(connections, (count) => count === 0)).toBe(0);
  socket.terminate();
});

test('over WebSocket acknowledgements come as messages', async () => {
  const { send, webSocket, untilSessions, accounts } = await open();
  const { socket, frames } = webSocket('user=user-1&channel=zato01&ack=1');
  await untilSessions(1);
  send(0, 'abc');
  await waitFor(
    async () => frames().length,
    (length) => length === 2,
  );
  expect(accounts.of('s1').packets).toBe(0);
  socket.send('ACK 1:0');
  expect(
    await waitFor(
      async () => accounts.of('s1').packets,
      (packets) => packets > 0,
    ),
  ).toBe(1);
  socket.terminate();
  await untilSessions(0);
});

test('server-sent events are named after the frames, with payloads in base64', async () => {
  const { hub, send, output, sse, untilSessions, accounts } = await open();
  const { response, ended, text } = await sse('user=user-1&channel=zato01');
  expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'text/event-stream']);
  await untilSessions(1);
  send(0, 'payload');
  output.gap(1, 3, 'timeout');
  output.epoch(2, 7);
  await waitFor(
    async () => text(),
    (now) => now.includes('event: epoch'),
  );
  hub.closeUser('user-1');
  await ended;
  expect(text()).toBe(
    [
      'event: hello\ndata: {"epoch":1,"next":0}\n\n',
      'event: data\nid: 1:1\ndata: {"epoch":1,"seq":0,"payload":"cGF5bG9hZA=="}\n\n',
      'event: gap\ndata: {"epoch":1,"from":1,"to":3,"reason":"timeout"}\n\n',
      'event: epoch\ndata: {"epoch":2,"next":7}\n\n',
      'event: bye\ndata: {"code":"CLOSED"}\n\n',
    ].join(''),
  );
  expect(accounts.of('s1')).toMatchObject({ packets: 1, bytes: 7 });
});

test('a browser that comes back goes on behind its last event', async () => {
  const { send, sse, untilSessions } = await open();
  for (let sequence = 0; sequence < 5; sequence += 1) send(sequence, `${sequence}`);
  await new Promise((resolve) => setTimeout(resolve, 10));
  const { text } = await sse('user=user-1&channel=zato01&from=live', { 'Last-Event-ID': '1:3' });
  await untilSessions(1);
  await waitFor(
    async () => text(),
    (now) => now.includes('"seq":4'),
  );
  expect([...text().matchAll(/"seq":(\d+)/g)].map(([, number]) => number)).toEqual(['3', '4']);
});

test.each([
  ['user=user-1', 400, 'BAD_REQUEST'],
  ['user=user%201&channel=zato01', 400, 'BAD_REQUEST'],
  ['user=user-1&channel=zato01&from=soon', 400, 'BAD_REQUEST'],
  ['user=stranger&channel=zato01', 403, 'NOT_REGISTERED'],
])('%s is refused over both', async (query, status, code) => {
  const { sse, webSocket, failures } = await open();
  const { response, ended, text } = await sse(query);
  await ended;
  expect([response.statusCode, JSON.parse(text())]).toMatchObject([status, { code }]);
  const { socket } = webSocket(query);
  const [, upgraded] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(upgraded.statusCode).toBe(status);
  expect(failures).toEqual([code, code]);
});

test('one session too many is refused until one has left', async () => {
  const { sse, untilSessions } = await open({ perUser: 1 });
  const first = await sse('user=user-1&channel=zato01');
  await untilSessions(1);
  const refused = await sse('user=user-1&channel=zato01');
  expect(refused.response.statusCode).toBe(429);
  first.response.destroy();
  await untilSessions(0);
  expect((await sse('user=user-1&channel=zato01')).response.statusCode).toBe(200);
});

test('quiet viewers are shown that the service is there', async () => {
  const { sse, webSocket, untilSessions } = await open({ heartbeatMs: 50 });
  const events = await sse('user=user-1&channel=quiet');
  const { socket } = webSocket('user=user-1&channel=quiet');
  await untilSessions(2);
  await Promise.all([
    once(socket, 'ping'),
    waitFor(
      async () => events.text(),
      (text) => text.includes(':\n\n'),
    ),
  ]);
  expect(events.text()).toContain(':\n\n');
});
