import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { ChannelHub } from '../../../src/features/channels/channel-hub.ts';
import { ChannelSources } from '../../../src/features/channels/channel-sources.ts';
import { rawForm, v1Form } from '../../../src/features/channels/fanout/delivery-form.ts';
import { orderMetricTable } from '../../../src/features/channels/order-metrics.ts';
import { SlabBudget } from '../../../src/features/channels/slab-budget.ts';
import { encodeFrame } from '../../../src/features/channels/source/frame.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { defaultRules, range } from '../../support/channels/ordered-record.ts';
import { silentFanoutMeter } from '../../support/fanout-fixture.ts';
import { framesOf } from '../../support/hub-fixture.ts';
import { ManualTimers } from '../../support/manual-timers.ts';
import { ManualTurns } from '../../support/manual-turns.ts';
import { RecordedAccounts } from '../../support/recorded-accounts.ts';
import { ScriptedSink } from '../../support/scripted-sink.ts';
import { silentLogger as logger } from '../../support/silent-logger.ts';
import { TestClock } from '../../support/test-clock.ts';

const maxSlabs = 256;
const slabBytes = 256 * 1024;
const payloadBytes = 10 * 1024;
const garbageNumber = 10 ** 9;
/** A hundred packets, ten garbage channels and a tenth of a second each. */
const rounds = 100;

const frame = (channel: string, sequence: number, bytes = payloadBytes) =>
  encodeFrame({ prefix: Buffer.alloc(5), channel, sequence, payload: Buffer.alloc(bytes, sequence) });

/** Order and fan-out over one budget, as the component has them, with a real source and a clock that the test moves. */
async function open() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const connected = once(server, 'connection');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the source has no port');
  const clock = new TestClock();
  const timers = new ManualTimers(clock);
  const turns = new ManualTurns();
  const budget = new SlabBudget({ maxBytes: maxSlabs * slabBytes });
  let sessions = 0;
  const hub = new ChannelHub({
    rules: {
      ...{ replayMs: 30_000, gatherMs: 2, many: { viewers: 64, gatherMs: 7 }, packetBatchSize: 0, maxLagBytes: 4 * 1024 * 1024 },
      ...{ policy: 'drop-oldest', userPolicies: new Map() },
    },
    budget: { acquire: () => budget.take('replay'), release: () => budget.give('replay') },
    accounts: new RecordedAccounts(),
    meter: silentFanoutMeter,
    clock,
    startTimer: timers.start,
    nextTurn: turns.ask,
    sessionId: () => `s${++sessions}`,
  });
  const sources = new ChannelSources({
    addresses: [{ host: '127.0.0.1', port: address.port }],
    source: {
      ...{ maxPayloadBytes: 2 ** 20, magic: new Uint8Array(0), connectTimeoutMs: 5000, idleMs: 60_000 },
      backoff: { initialMs: 250, maxMs: 10_000 },
    },
    rules: defaultRules,
    maxChannels: 1024,
    openOutput: hub.openOutput,
    budget,
    metrics: new MetricRegistry().declare(orderMetricTable),
    logger,
    clock,
    startTimer: timers.start,
    random: () => 0,
  });
  const stop = new AbortController();
  const running = sources.run(stop.signal);
  const [socket] = (await connected) as [Socket];
  socket.on('error', () => {});
  let sent = 0;
  /** Resolves when the service has read it. */
  const send = async (bytes: Buffer) => {
    sent += bytes.length;
    socket.write(bytes);
    await vi.waitUntil(() => sources.sources()[0]?.bytes === sent, { timeout: 10_000, interval: 1 });
  };
  const settle = (ms: number) => {
    timers.advance(ms);
    turns.all();
  };
  const close = async () => {
    stop.abort();
    await running;
    socket.destroy();
    server.close();
  };
  return { hub, sources, budget, send, settle, [Symbol.asyncDispose]: close };
}

test('a viewer that is stalled, a thousand garbage channels and a garbage number hold no more than the bound, and cost nobody a packet', async () => {
  await using all = await open();
  const { hub, sources, budget, send, settle } = all;
  const fast = new ScriptedSink();
  const stalled = new ScriptedSink({ isStalled: true });
  const common = { peer: 'test', start: { at: 'live' }, isAligned: false, withAck: false } as const;
  hub.join({ ...common, user: 'user-1', channel: 'fast', form: v1Form, sink: fast });
  hub.join({ ...common, user: 'user-2', channel: 'slow', form: rawForm, sink: stalled });
  const seen: number[] = [];
  let mostSlabs = 0;
  for (let round = 0; round < rounds; round += 1) {
    const garbage = range(0, 10).map((index) => frame(`g${10 * round + index}`, index === 0 ? garbageNumber : round, 100));
    const numbers = range(99 * round, 99 * (round + 1)).map((number) => frame('fast', number));
    const odd = round === rounds / 2 ? [frame('fast', garbageNumber)] : [];
    await send(Buffer.concat([...garbage, frame('slow', round), ...odd, ...numbers]));
    mostSlabs = Math.max(mostSlabs, budget.allocated);
    settle(round === 0 ? 250 : 100);
    mostSlabs = Math.max(mostSlabs, budget.allocated);
    for (const told of framesOf(fast)) if (told.type === 'data') seen.push(told.sequence);
    fast.written.length = 0;
  }
  expect(seen).toEqual(range(0, 99 * rounds));
  // More went through than the budget has, so it was full.
  expect(99 * rounds * payloadBytes).toBeGreaterThan(maxSlabs * slabBytes);
  expect(mostSlabs).toBeGreaterThan(maxSlabs / 2);
  expect(mostSlabs).toBeLessThanOrEqual(maxSlabs);
  expect([...sources.channels()]).toHaveLength(1002);
  expect([stalled.state, stalled.waiting]).toEqual(['open', 1]);
});
