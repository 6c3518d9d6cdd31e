import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { defaultRules, OrderRecord, range } from '../../../test/support/channels/ordered-record.ts';
import { ManualTimers } from '../../../test/support/manual-timers.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { MetricRegistry } from '../../kernel/observe/metrics.ts';
import { ChannelSources } from './channel-sources.ts';
import { orderMetricTable } from './order-metrics.ts';
import { SlabBudget } from './slab-budget.ts';
import { encodeFrame } from './source/frame.ts';

const until = (isTrue: () => boolean) => vi.waitUntil(isTrue, { timeout: 5000, interval: 2 });

/** A source of the test: takes connections, and sends what it is told. */
class TestSource implements AsyncDisposable {
  readonly sockets: Socket[] = [];
  readonly #server: Server;
  readonly port: number;

  private constructor(server: Server) {
    this.#server = server;
    const address = server.address();
    this.port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      this.sockets.push(socket);
    });
  }

  static async open(port = 0): Promise<TestSource> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new TestSource(server);
  }

  async connection(index: number): Promise<Socket> {
    await until(() => this.sockets[index] !== undefined);
    return this.sockets[index]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}

const frameOf = (sequence: number, { channel = 'zato01', payload = String(sequence) } = {}) =>
  encodeFrame({ prefix: Buffer.from('0000000001', 'hex'), channel, sequence, payload: Buffer.from(payload) });
const framesOf = (numbers: readonly number[]) => Buffer.concat(numbers.map((number) => frameOf(number)));

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function openSource(port?: number): Promise<TestSource> {
  const source = await TestSource.open(port);
  opened.push(source);
  return source;
}

function start(ports: readonly number[], { maxBytes = 256 * 1024 * 1024, maxChannels = 1024, magic = '', logger = silentLogger } = {}) {
  const clock = new TestClock();
  const timers = new ManualTimers(clock);
  const records = new Map<string, OrderRecord>();
  const budget = new SlabBudget({ maxBytes });
  const registry = new MetricRegistry();
  const sources = new ChannelSources({
    addresses: ports.map((port) => ({ host: '127.0.0.1', port })),
    source: {
      maxPayloadBytes: 1024,
      magic: Buffer.from(magic, 'hex'),
      connectTimeoutMs: 5000,
      idleMs: 10_000,
      backoff: { initialMs: 250, maxMs: 10_000 },
    },
    rules: defaultRules,
    maxChannels,
    openOutput: (channel) => {
      const record = new OrderRecord();
      records.set(channel, record);
      return record;
    },
    budget,
    metrics: registry.declare(orderMetricTable),
    logger,
    clock,
    startTimer: timers.start,
    random: () => 0,
  });
  const stop = new AbortController();
  const running = sources.run(stop.signal);
  opened.push({
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  });
  const numbers = (channel = 'zato01') => records.get(channel)?.numbers;
  const bytes = () => sources.sources().reduce((sum, source) => sum + source.bytes, 0);
  const states = () => sources.sources().map(({ state }) => state);
  return { sources, timers, clock, records, budget, registry, numbers, bytes, states };
}

test('delivers in order what comes shuffled, and begins after the timeout', async () => {
  const source = await openSource();
  const { timers, numbers, bytes, sources } = start([source.port]);
  const sent = framesOf([3, 1, 2, 5]);
  (await source.connection(0)).write(sent);
  await until(() => bytes() === sent.length);
  expect(numbers()).toEqual([]);
  timers.advance(200);
  expect(numbers()).toEqual([[1, 2, 3, 5]]);
  expect(sources.channels()).toMatchObject([{ id: 'zato01', epoch: 1, next: 6, gaps: 1, gapPackets: 1, buffered: 0 }]);
  expect(sources.sources()).toMatchObject([{ state: 'streaming', connects: 1, frames: 4, lastPrefix: '0000000001' }]);
});

test('two sources are one: each number once, and one may fail', async () => {
  const [one, other] = [await openSource(), await openSource()];
  const { timers, numbers, bytes, sources } = start([one.port, other.port]);
  const [a, b] = [await one.connection(0), await other.connection(0)];
  a.write(framesOf([0, 1, 3]));
  b.write(framesOf([0, 1, 2, 3]));
  const length = framesOf(range(0, 7)).length;
  await until(() => bytes() === length);
  timers.advance(200);
  a.destroy();
  b.write(framesOf(range(4, 10)));
  await until(() => bytes() === framesOf([...range(0, 4), ...range(0, 3), ...range(4, 10)]).length);
  expect(numbers()).toEqual([range(0, 10)]);
  expect(sources.channels()).toMatchObject([{ duplicates: 3, late: 0 }]);
});

test('a source that is gone is tried again, ever more slowly, and costs nothing meanwhile', async () => {
  const source = await openSource();
  const { port } = source;
  const { timers, clock, states, sources } = start([port]);
  await source.connection(0);
  await source[Symbol.asyncDispose]();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await until(() => states()[0] === 'backoff');
    expect(timers.pending).toBe(1);
    const from = clock.monotonic();
    while (states()[0] === 'backoff') {
      timers.advance(50);
      await Promise.resolve();
      await new Promise((resolve) => setImmediate(resolve));
    }
    waits.push(clock.monotonic() - from);
  }
  expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  expect(sources.sources()[0]?.lastReason).toBe('refused');
});

test('a source that is killed within a frame is connected again; the cut packet is a gap, and nothing else is lost', async () => {
  const source = await openSource();
  const { timers, records, states, numbers, bytes, sources } = start([source.port]);
  const first = await source.connection(0);
  const before = framesOf(range(0, 100));
  first.write(before);
  await until(() => bytes() === before.length);
  timers.advance(200);
  first.end(frameOf(100).subarray(0, 24));
  await until(() => states()[0] === 'backoff');
  timers.advance(250);
  const second = await source.connection(1);
  const after = framesOf(range(101, 200));
  second.write(after);
  await until(() => bytes() === before.length + 24 + after.length);
  timers.advance(400);
  expect(numbers()).toEqual([[...range(0, 100), ...range(101, 200)]]);
  expect(records.get('zato01')?.epochs[0]?.gaps).toEqual([{ from: 100, to: 100, reason: 'timeout' }]);
  expect(sources.sources()[0]).toMatchObject({ connects: 2, lastReason: 'ended' });
});

test('a source that comes back with other numbers begins a new epoch', async () => {
  const source = await openSource();
  const { timers, states, numbers, bytes } = start([source.port]);
  const first = await source.connection(0);
  const before = framesOf(range(0, 100));
  first.write(before);
  await until(() => bytes() === before.length);
  timers.advance(200);
  first.end();
  await until(() => states()[0] === 'backoff');
  timers.advance(250);
  const after = framesOf(range(0, 20));
  (await source.connection(1)).write(after);
  await until(() => bytes() === before.length + after.length);
  timers.advance(200);
  expect(numbers()).toEqual([range(0, 100), range(0, 20)]);
});

test('a number that makes no sense does not delay what waits', async () => {
  const source = await openSource();
  const { timers, numbers, bytes, sources } = start([source.port]);
  const socket = await source.connection(0);
  const first = framesOf([0, 1]);
  socket.write(first);
  await until(() => bytes() === first.length);
  timers.advance(200);
  const then = framesOf([10 ** 9, 3]);
  socket.write(then);
  await until(() => bytes() === first.length + then.length);
  timers.advance(200);
  expect(numbers()).toEqual([[0, 1, 3]]);
  timers.advance(9800);
  expect(sources.channels()).toMatchObject([{ late: 1, buffered: 0 }]);
});

test('what cannot be a frame ends the connection', async () => {
  const source = await openSource();
  const { states, sources } = start([source.port]);
  (await source.connection(0)).write(Buffer.alloc(23, 0xff));
  await until(() => states()[0] === 'backoff');
  expect(sources.sources()[0]?.lastReason).toBe('protocol');
});

test('with the magic, garbage between frames costs no connection', async () => {
  const source = await openSource();
  const { timers, numbers, bytes, sources, registry } = start([source.port], { magic: '0000000001' });
  const sent = Buffer.concat([frameOf(0), Buffer.alloc(50, 0xff), frameOf(1)]);
  (await source.connection(0)).write(sent);
  await until(() => bytes() === sent.length);
  timers.advance(200);
  expect(numbers()).toEqual([[0, 1]]);
  expect(sources.sources()[0]).toMatchObject({ connects: 1 });
  expect(await registry.text()).toContain(`sluice_channels_source_skipped_bytes_total{source="127.0.0.1:${source.port}"} 50`);
});

test('a source that is silent for too long is given up', async () => {
  const source = await openSource();
  const { timers, bytes, states, sources } = start([source.port]);
  const socket = await source.connection(0);
  await until(() => states()[0] === 'streaming');
  timers.advance(9000);
  socket.write(frameOf(0));
  await until(() => bytes() > 0);
  timers.advance(9999);
  expect(states()).toEqual(['streaming']);
  timers.advance(1);
  await until(() => states()[0] === 'backoff');
  expect(sources.sources()[0]?.lastReason).toBe('stalled');
});

test('channels over the limit are counted and dropped, and a thousand of them stay within the slabs', async () => {
  const source = await openSource();
  const maxBytes = 64 * 256 * 1024;
  const { timers, records, budget, registry, bytes } = start([source.port], { maxBytes, maxChannels: 900 });
  const sent = Buffer.concat(range(0, 1000).map((index) => frameOf(10 ** 9, { channel: `c${index}`, payload: '1000000000' })));
  (await source.connection(0)).write(sent);
  await until(() => bytes() > 0);
  // Each channel holds its first packet in a slab of its own; those that find none begin at once.
  for (let turn = 0; turn < 100 && bytes() < sent.length; turn += 1) {
    expect(budget.allocated).toBeLessThanOrEqual(64);
    timers.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => bytes() === sent.length);
  timers.advance(200);
  expect(records.size).toBe(900);
  expect([...records.values()].every(({ numbers }) => numbers[0]?.[0] === 10 ** 9)).toBe(true);
  expect(budget.held('order')).toBe(0);
  expect(await registry.text()).toContain('sluice_channels_refused_packets_total 100');
});

test('while the buffers are nearly full a source is not read; then it is read on', async () => {
  const source = await openSource();
  const { timers, budget, bytes, states, numbers } = start([source.port], { maxBytes: 4 * 256 * 1024 });
  const replay = range(0, 3).map(() => budget.acquire('replay'));
  const socket = await source.connection(0);
  socket.write(frameOf(0));
  await until(() => states()[0] === 'paused');
  const { length } = frameOf(0);
  expect([bytes(), budget.isShort]).toEqual([length, true]);
  socket.write(frameOf(1));
  timers.advance(199);
  expect(states()).toEqual(['paused']);
  timers.advance(11);
  expect(states()).toEqual(['streaming']);
  await until(() => bytes() === 2 * length);
  expect(numbers()).toEqual([[0, 1]]);
  expect(replay).toHaveLength(3);
});

test('at the end it leaves the sources and delivers what waits', async () => {
  const source = await openSource();
  const { sources, numbers, bytes, states, timers } = start([source.port]);
  const sent = framesOf([4, 2, 3, 9]);
  (await source.connection(0)).write(sent);
  await until(() => bytes() === sent.length);
  await sources.stopAccepting();
  expect(numbers()).toEqual([[2, 3, 4, 9]]);
  expect([states(), timers.pending]).toEqual([['idle'], 0]);
});

test('nothing is ever written to a source', async () => {
  const source = await openSource();
  const { states } = start([source.port]);
  const socket = await source.connection(0);
  socket.resume();
  await until(() => states()[0] === 'streaming');
  const ended = once(socket, 'end');
  await opened.pop()?.[Symbol.asyncDispose]();
  await ended;
  expect(socket.bytesRead).toBe(0);
});

test('the log has a line where a source comes and goes, not for each try', async () => {
  const source = await openSource();
  const { port } = source;
  await source[Symbol.asyncDispose]();
  const lines: string[] = [];
  const note = (level: string) => (_fields: unknown, message: string) => void lines.push(`${level}: ${message}`);
  const { timers, states, registry } = start([port], { logger: { ...silentLogger, info: note('info'), warn: note('warn') } });
  const disconnects = async (): Promise<number> =>
    [...(await registry.text()).matchAll(/^sluice_channels_source_disconnects_total\{.*\} (\d+)$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  const untilDisconnects = async (count: number): Promise<void> => {
    while ((await disconnects()) < count) await sleep(2);
  };
  for (let tries = 1; tries <= 3; tries += 1) {
    await untilDisconnects(tries);
    timers.advance(10_000);
  }
  await untilDisconnects(4);
  const back = await openSource(port);
  timers.advance(10_000);
  await until(() => states()[0] === 'streaming');
  await back[Symbol.asyncDispose]();
  for (let tries = 5; tries <= 7; tries += 1) {
    await untilDisconnects(tries);
    timers.advance(10_000);
  }
  await untilDisconnects(8);
  expect(lines).toEqual([
    'info: the source is not there yet; it is tried until it comes',
    'info: connected to the source',
    // Of the connection that ended, and of those that are refused since.
    'warn: no connection to the source; it is tried until it comes',
    'warn: no connection to the source; it is tried until it comes',
  ]);
});
