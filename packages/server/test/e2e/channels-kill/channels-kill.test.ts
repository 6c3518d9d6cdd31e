import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openUsageStore } from '../../../src/engines/usage/registry.ts';
import { hourMs, type StoredRange } from '../../../src/engines/usage/usage-store.ts';
import { ChannelSource } from '../../../src/features/channels/channel-source.ts';
import { formatHostPort } from '../../../src/kernel/codec/host-port.ts';
import { systemClock as clock } from '../../../src/kernel/time/clock.ts';
import { systemTimer as startTimer } from '../../../src/kernel/time/start-timer.ts';
import { freePort } from '../../support/free-ports.ts';
import { LaneProcess } from '../../support/lane/lane-process.ts';
import { runSluice } from '../../support/run-sluice.ts';
import { silentLogger as logger } from '../../support/silent-logger.ts';
import { openTempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { KeptConnection } from './kept-connection.ts';
import { KeptViewers } from './kept-viewers.ts';

const viewers = 500;
const channel = 'zato01';
const perSecond = 50;
const block = 4;
const payload = { seed: 12, bytes: 256, input: undefined };
const flushMs = 1000;
/** Of a busy machine: a flush begins and ends later than it should. */
const flushLateMs = 1000;
const watchedPackets = 4 * perSecond;
const never = new AbortController().signal;

/** A shuffled channel without losses, until the test is over. */
async function openSource() {
  const source = await ChannelSource.open({
    at: { host: '127.0.0.1', port: 0 },
    settings: {
      stream: {
        channels: [channel],
        prefix: Buffer.alloc(5),
        plan: { startSequence: 0, reorderWindow: block, loss: 0, duplicates: 0.02, late: 0, lateBy: 1000, restartEvery: 0 },
        payload,
        garbage: 0,
      },
      sequences: 'live',
      durationMs: 0,
      rate: perSecond,
      stallEveryMs: 0,
      stallMs: 0,
      cutEvery: 0,
    },
    logger,
    clock,
    startTimer,
    onDone: () => {},
  });
  const stop = new AbortController();
  const running = source.run(stop.signal);
  const close = async () => {
    stop.abort();
    await running;
  };
  return { address: source.address, [Symbol.asyncDispose]: close };
}

/** All ranges of a user, by session, the sessions by their first number. */
async function rangesOf(store: Awaited<ReturnType<typeof openUsageStore>>, user: string): Promise<StoredRange[][]> {
  const now = Date.now();
  const query = { user, fromMs: (Math.floor(now / hourMs) - 1) * hourMs, toMs: now + hourMs, limit: 1000 };
  const { rows } = await store.listRanges(query, never);
  const sessions = Map.groupBy(rows, ({ sessionId }) => sessionId);
  return [...sessions.values()].toSorted(([one], [other]) => (one?.from ?? 0) - (other?.from ?? 0));
}

const packetsOf = (ranges: readonly StoredRange[] = []): number => ranges.reduce((sum, { packets }) => sum + packets, 0);

test('killed under 500 viewers: each goes on with one gap of what it missed, in order, and is billed once', async () => {
  await using folder = await openTempFolder();
  await using source = await openSource();
  const port = await freePort();
  const settings = [
    ...['--operations-listen', '127.0.0.1:0', '--channels-listen', '127.0.0.1:0', '--channels-stream-listen', `127.0.0.1:${port}`],
    ...['--channels-source-addresses', formatHostPort(source.address), '--channels-reorder-timeout', '2s'],
    ...['--channels-usage-flush', `${flushMs}ms`, '--log-level', 'warn'],
  ];
  await using service = new LaneProcess({ name: 'channels', args: ['channels', '--data-dir', folder.path, ...settings], env: {} });
  await service.start();
  for (let user = 0; user < viewers; user += 1)
    expect((await fetch(`${service.urls['channels']}/register`, { method: 'POST', body: `user-${user}` })).status).toBe(200);
  const firstEpoch = async () => (await (await fetch(`${service.urls['channels']}/channels`)).text()).includes('"epoch":1');
  expect(await waitFor(firstEpoch, (isThere) => isThere)).toBe(true);
  await using watching = new KeptViewers({ port, viewers, channel, seed: payload.seed, payloadBytes: payload.bytes });
  const untilAllHave = (connections: number) =>
    waitFor(
      () => watching.count(),
      ([made, fewest]) => made >= connections && fewest >= watchedPackets,
    );
  expect((await untilAllHave(viewers))[1]).toBeGreaterThanOrEqual(watchedPackets);

  await service.kill();
  await service.start();
  expect((await untilAllHave(2 * viewers))[1]).toBeGreaterThanOrEqual(watchedPackets);
  await watching.end();
  expect(await service.stop()).toBe(0);
  expect(service.problems).toEqual([]);

  const report = await watching.report();
  expect(report.filter(({ disorder, connections }) => disorder > 0 || connections.length !== 2)).toEqual([]);
  expect(report.filter(({ connections }) => connections.some(({ wrong }) => wrong > 0))).toEqual([]);
  for (const { connections } of report) expectOneGap(connections);

  await using store = await openUsageStore({ kind: 'sqlite', file: join(folder.path, 'usage', 'usage.db') });
  for (const { user, connections } of report) {
    const [before, after] = connections;
    const [killed = [], resumed = [], ...others] = await rangesOf(store, user);
    expect(others).toEqual([]);
    // A viewer that was killed with the service is billed the first part of what it got, all but the last flush.
    expect(killed[0]?.from).toBe(before?.first);
    const unbilled = (before?.packets ?? 0) - packetsOf(killed);
    expect(unbilled).toBeGreaterThanOrEqual(0);
    expect(unbilled).toBeLessThanOrEqual(((flushMs + flushLateMs) / 1000) * perSecond);
    expect([resumed[0]?.from, resumed.at(-1)?.to, packetsOf(resumed)]).toEqual([after?.first, after?.last, after?.packets]);
  }
  await store[Symbol.asyncDispose]();
  expect(await runSluice('usage', 'verify', '--data-dir', folder.path)).toMatchObject({ code: 0 });
}, 120_000);

/**
 * Hello with the number that was asked for, one gap from there to the first packet, then packets to the bye. Of the shuffled blocks in which
 * the new process met the source and left it, some packets were sent before and after: what is missing there, and only there, is told, too.
 */
function expectOneGap([before, after]: readonly KeptConnection[]): void {
  const asked = (before?.last ?? 0) + 1;
  expect(before?.kinds).toEqual(['hello', 'data']);
  const { first = 0, last = 0, kinds = [], gaps: [missed, ...torn] = [] } = after ?? {};
  expect(after).toMatchObject({ asked: `from=1:${asked}`, hello: asked });
  expect([kinds.slice(0, 3), kinds.at(-1), kinds.includes('epoch')]).toEqual([['hello', 'gap', 'data'], 'bye', false]);
  expect(first).toBeGreaterThan(asked);
  expect(missed).toEqual({ from: asked, to: first - 1 });
  const blockOf = (number: number) => Math.floor(number / block);
  const isTorn = (number: number) => blockOf(number) === blockOf(first) || blockOf(number) === blockOf(last);
  expect(torn.filter(({ from, to }) => !isTorn(from) || !isTorn(to) || to - from >= block)).toEqual([]);
  const missing = torn.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  expect(after?.packets).toBe(last - first + 1 - missing);
}
