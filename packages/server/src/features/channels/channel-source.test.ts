import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { ManualTimers } from '../../../test/support/manual-timers.ts';
import { silentLogger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { ChannelSource, type ChannelSourceSettings } from './channel-source.ts';
import { plannedNumbers } from './simulator/channel-plan.ts';
import { createPayloads, sequenceOfPayload } from './simulator/payloads.ts';
import { planOf } from './simulator/source-stream.ts';
import { channelNameOf } from './source/frame.ts';
import { FrameParser } from './source/frame-parser.ts';

interface Received {
  readonly channel: string;
  readonly sequence: number;
  readonly payload: Buffer;
}

const settings: ChannelSourceSettings = {
  stream: {
    channels: ['zato01', 'zato02'],
    prefix: Buffer.from('534c554943', 'hex'),
    plan: { startSequence: 0, reorderWindow: 20, loss: 0, duplicates: 0, late: 0, lateBy: 1000, restartEvery: 0 },
    payload: { seed: 7, bytes: 188, input: undefined },
    garbage: 0,
  },
  sequences: 'live',
  durationMs: 0,
  rate: 50,
  stallEveryMs: 0,
  stallMs: 0,
  cutEvery: 0,
};
const withStream = (stream: Partial<ChannelSourceSettings['stream']>): ChannelSourceSettings => ({
  ...settings,
  stream: { ...settings.stream, ...stream },
});

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one[Symbol.asyncDispose]();
});
const until = (isTrue: () => boolean) => vi.waitUntil(isTrue, { timeout: 5000, interval: 2 });
/** Lets what was sent arrive, and what waits for a timer begin to wait. */
const turns = async () => {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

async function start(given: ChannelSourceSettings = settings) {
  const clock = new TestClock();
  const timers = new ManualTimers(clock);
  const done = vi.fn();
  const at = { host: '127.0.0.1', port: 0 };
  const source = await ChannelSource.open({ at, settings: given, logger: silentLogger, clock, startTimer: timers.start, onDone: done });
  const stop = new AbortController();
  const running = source.run(stop.signal);
  opened.push({
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
    },
  });
  const advance = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 5) {
      timers.advance(5);
      await turns();
    }
  };
  return { source, advance, done };
}

async function join(source: ChannelSource, { magic = new Uint8Array(0) }: { magic?: Uint8Array } = {}) {
  const received: Received[] = [];
  const parser = new FrameParser({
    maxPayloadBytes: 2 ** 20,
    magic,
    onFrame: ({ channelId, sequence, bytes, start: from, end }) =>
      received.push({ channel: channelNameOf(channelId), sequence, payload: Buffer.from(bytes.subarray(from, end)) }),
  });
  const socket: Socket = connect(source.address);
  opened.push({ [Symbol.asyncDispose]: () => Promise.resolve(void socket.destroy()) });
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    parser.push(chunk, 0);
  });
  await once(socket, 'connect');
  const numbers = (channel: string) => received.filter((one) => one.channel === channel).map(({ sequence }) => sequence);
  return { socket, received, parser, numbers, bytes: () => bytes };
}

test('sends every channel at its rate, shuffled within the window, with the payloads of the seed', async () => {
  const { source, advance } = await start();
  const client = await join(source);
  await turns();
  await advance(2000);
  await until(() => client.received.length === 202);
  for (const channel of ['zato01', 'zato02']) {
    const numbers = client.numbers(channel);
    expect(numbers.slice(0, 100).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    for (const [index, number] of numbers.entries()) expect(Math.floor(index / 20)).toBe(Math.floor(number / 20));
    expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b));
    const payload = createPayloads(channel, settings.stream.payload);
    for (const one of client.received) if (one.channel === channel) expect(one.payload).toEqual(payload(one.sequence));
  }
  expect(client.numbers('zato01')).not.toEqual(client.numbers('zato02'));
  expect(client.parser.lastPrefix).toBe('534c554943');
});

test('the same seed sends the same bytes, another one others', async () => {
  const bytesOf = async (seed: number) => {
    const { source, advance } = await start(withStream({ payload: { ...settings.stream.payload, seed } }));
    const client = await join(source);
    await turns();
    await advance(500);
    await until(() => client.received.length >= 50);
    return client.received.slice(0, 50);
  };
  const one = await bytesOf(1);
  expect(await bytesOf(1)).toEqual(one);
  expect(await bytesOf(2)).not.toEqual(one);
});

test('live: who comes later gets what comes from then on; the truth is what is planned', async () => {
  const faults = withStream({ plan: { ...settings.stream.plan, loss: 0.1, duplicates: 0.1, late: 0.1, lateBy: 100 } });
  const { source, advance } = await start(faults);
  const first = await join(source);
  await turns();
  await advance(1000);
  const second = await join(source);
  await advance(7000);
  await until(() => second.received.length > 0);
  await until(() => first.received.length > 700);
  const [planned = []] = plannedNumbers(planOf('zato01', faults.stream), 300);
  const numbers = first.numbers('zato01');
  expect(planned.filter((number) => !numbers.includes(number))).toEqual([]);
  expect(new Set(numbers).size).toBeLessThan(numbers.length);
  // Those that are not planned are lost, or come a hundred numbers later.
  const unplanned = numbers.filter((number) => number < 300 && !planned.includes(number));
  expect(unplanned.length).toBeGreaterThan(0);
  for (const number of unplanned) expect(Math.max(...numbers.slice(0, numbers.indexOf(number)))).toBeGreaterThan(number + 59);
  expect(Math.min(...second.numbers('zato01').filter((number) => planned.includes(number)))).toBeGreaterThan(20);
});

test('connection: each has the stream from its begin', async () => {
  const { source, advance } = await start({ ...settings, sequences: 'connection' });
  const first = await join(source);
  await turns();
  await advance(1000);
  const second = await join(source);
  await turns();
  await advance(1000);
  await until(() => second.received.length >= 100);
  expect(second.received.slice(0, 100)).toEqual(first.received.slice(0, 100));
});

test('numbers begin again without a new connection', async () => {
  const { source, advance } = await start(
    withStream({ plan: { ...settings.stream.plan, reorderWindow: 0, restartEvery: 30, startSequence: 5 } }),
  );
  const client = await join(source);
  await turns();
  await advance(800);
  await until(() => client.numbers('zato01').length >= 40);
  expect(client.numbers('zato01').slice(28, 33)).toEqual([33, 34, 5, 6, 7]);
});

test('garbage lies between frames, and the magic finds them', async () => {
  const { source, advance } = await start(withStream({ garbage: 0.2 }));
  const client = await join(source, { magic: settings.stream.prefix });
  await turns();
  await advance(1000);
  await until(() => client.received.length >= 100);
  expect(client.parser.resyncs).toBeGreaterThan(5);
});

test('it stalls, and then goes on where it was', async () => {
  const { source, advance } = await start({ ...settings, stallEveryMs: 500, stallMs: 1000 });
  const client = await join(source);
  await turns();
  await advance(600);
  const { length } = client.received;
  expect(length).toBeGreaterThan(40);
  await advance(800);
  expect(client.received).toHaveLength(length);
  await advance(300);
  await until(() => client.received.length > length);
  expect(client.received.length).toBeLessThan(length + 40);
});

test('it cuts connections within a frame, and the stream goes on for the next one', async () => {
  const { source, advance } = await start({ ...settings, cutEvery: 30 });
  const first = await join(source);
  const ended = once(first.socket, 'end');
  await turns();
  await advance(400);
  await ended;
  const frameBytes = 23 + 188;
  expect(first.bytes() % frameBytes).toBeGreaterThan(0);
  const second = await join(source);
  await turns();
  await advance(200);
  await until(() => second.received.length > 0);
  expect(Math.min(...second.numbers('zato01'))).toBeGreaterThan(0);
});

test('after its time every connection ends at a frame, and the process is told', async () => {
  const { source, advance, done } = await start({ ...settings, durationMs: 300 });
  const client = await join(source);
  const ended = once(client.socket, 'end');
  await turns();
  await advance(400);
  await ended;
  await until(() => done.mock.calls.length === 1);
  expect(client.bytes() % (23 + 188)).toBe(0);
});

test('a file is sent in pieces, again and again', () => {
  const payload = createPayloads('zato01', { seed: 1, bytes: 4, input: Buffer.from('0123456789') });
  expect([0, 1, 2, 3].map((sequence) => payload(sequence).toString())).toEqual(['0123', '4567', '89', '0123']);
});

test.each([12, 100, 188, 1316, 1317])('a made-up payload of %i bytes has its number in it', (bytes) => {
  const payload = createPayloads('zato01', { seed: 1, bytes, input: undefined });
  for (const sequence of [0, 258, Number.MAX_SAFE_INTEGER]) expect(sequenceOfPayload(payload(sequence))).toBe(sequence);
  expect(payload(1)).not.toEqual(payload(2));
});
