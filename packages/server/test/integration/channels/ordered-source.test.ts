import { expect, test } from 'vitest';
import { ChannelSource, type ChannelSourceSettings } from '../../../src/features/channels/channel-source.ts';
import { ChannelSources } from '../../../src/features/channels/channel-sources.ts';
import { orderMetricTable } from '../../../src/features/channels/order-metrics.ts';
import { plannedNumbers } from '../../../src/features/channels/simulator/channel-plan.ts';
import { createPayloads } from '../../../src/features/channels/simulator/payloads.ts';
import { planOf } from '../../../src/features/channels/simulator/source-stream.ts';
import { SlabBudget } from '../../../src/features/channels/slab-budget.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { systemClock as clock } from '../../../src/kernel/time/clock.ts';
import { systemTimer as startTimer } from '../../../src/kernel/time/start-timer.ts';
import { defaultRules, OrderRecord } from '../../support/channels/ordered-record.ts';
import { silentLogger as logger } from '../../support/silent-logger.ts';

const perSecond = 1000;
const durationMs = 1500;
const block = 20;

const settings: ChannelSourceSettings = {
  stream: {
    channels: ['zato01', 'zato02'],
    prefix: Buffer.alloc(5),
    plan: { startSequence: 0, reorderWindow: block, loss: 0, duplicates: 0.05, late: 0, lateBy: 1000, restartEvery: 0 },
    payload: { seed: 11, bytes: 1316, input: undefined },
    garbage: 0,
  },
  sequences: 'live',
  durationMs,
  rate: perSecond,
  stallEveryMs: 0,
  stallMs: 0,
  cutEvery: 0,
};
const withLoss = (loss: number): ChannelSourceSettings => ({
  ...settings,
  stream: { ...settings.stream, plan: { ...settings.stream.plan, loss } },
});

/** What comes out of the order of these sources, until all of them have ended. */
async function ordered(given: readonly ChannelSourceSettings[]): Promise<Map<string, OrderRecord>> {
  const records = new Map<string, OrderRecord>();
  const stop = new AbortController();
  const ends = given.map(() => Promise.withResolvers<void>());
  const made = await Promise.all(
    given.map((one, index) =>
      ChannelSource.open({
        at: { host: '127.0.0.1', port: 0 },
        settings: one,
        logger,
        clock,
        startTimer,
        onDone: () => ends[index]?.resolve(),
      }),
    ),
  );
  const sources = new ChannelSources({
    addresses: made.map(({ address }) => address),
    source: {
      maxPayloadBytes: 2 ** 20,
      magic: new Uint8Array(0),
      connectTimeoutMs: 5000,
      idleMs: 10_000,
      backoff: { initialMs: 250, maxMs: 10_000 },
    },
    // So long that a machine under load does not turn a packet that is slow into one that is late.
    rules: { ...defaultRules, timeoutMs: 20_000 },
    maxChannels: 10,
    openOutput: (channel) => {
      const record = new OrderRecord(createPayloads(channel, settings.stream.payload));
      records.set(channel, record);
      return record;
    },
    budget: new SlabBudget({ maxBytes: 64 * 1024 * 1024 }),
    metrics: new MetricRegistry().declare(orderMetricTable),
    logger,
    clock,
    startTimer,
    random: Math.random,
  });
  const running = [sources, ...made].map((part) => part.run(stop.signal));
  await Promise.all(ends.map(({ promise }) => promise));
  await sources.stopAccepting();
  stop.abort();
  await Promise.all(running);
  return records;
}

test('a shuffled source with losses comes out as it was planned, byte for byte', async () => {
  const given = withLoss(0.05);
  const records = await ordered([given]);
  expect([...records.keys()].toSorted()).toEqual(['zato01', 'zato02']);
  for (const [channel, { epochs }] of records) {
    const [planned = []] = plannedNumbers(planOf(channel, given.stream), 3 * durationMs);
    expect(epochs).toHaveLength(1);
    // Of the last block a part was sent.
    const delivered = epochs[0]?.numbers.slice(0, -block) ?? [];
    expect(delivered.length).toBeGreaterThan(500);
    expect(delivered).toEqual(planned.slice(0, delivered.length));
  }
});

test('two sources of the same packets come out as one', async () => {
  const records = await ordered([settings, settings]);
  for (const { epochs } of records.values()) {
    const delivered = epochs[0]?.numbers.slice(0, -block) ?? [];
    expect([epochs.length, epochs[0]?.first]).toEqual([1, 0]);
    expect(delivered.length).toBeGreaterThan(500);
    expect(delivered).toEqual(delivered.map((_, index) => index));
  }
});
