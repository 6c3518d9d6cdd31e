import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { openUsageStore } from '../../../src/engines/usage/registry.ts';
import { ChannelHub } from '../../../src/features/channels/channel-hub.ts';
import type { OrderedOutput } from '../../../src/features/channels/ordered-output.ts';
import type { SessionAccounts } from '../../../src/features/channels/session-account.ts';
import { UsageAccounts } from '../../../src/features/channels/usage-accounts.ts';
import { createUsageMeter, usageMetricTable } from '../../../src/features/channels/usage-metrics.ts';
import { ViewerAdmission } from '../../../src/features/channels/viewer-admission.ts';
import { ViewerServer } from '../../../src/features/channels/viewer-server.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { systemClock } from '../../../src/kernel/time/clock.ts';
import { systemTimer } from '../../../src/kernel/time/start-timer.ts';
import { countedBudget, silentFanoutMeter } from '../../support/fanout-fixture.ts';
import { silentLogger } from '../../support/silent-logger.ts';

/** What is measured: takes the packets of channels in order, and gives them to viewers. */
export interface FanOut {
  readonly port: number;
  /** By channel. */
  readonly outputs: readonly OrderedOutput[];
  viewers(): number;
  /** Packets handed over to the system, over all viewers. */
  delivered(): number;
  dropped(): number;
  /** Viewers that lag by more than a megabyte. */
  lagging(): number;
}

export const benchChannels = ['bench1', 'bench2'] as const;
const megabyte = 1024 * 1024;

/** As the component has it. `folder` is for the store of usage. */
export async function openFanOut(folder: string): Promise<FanOut> {
  const usage = await countingAccounts(folder);
  const hub = new ChannelHub({
    rules: {
      replayMs: 30_000,
      gatherMs: 2,
      many: { viewers: 64, gatherMs: 7 },
      packetBatchSize: 0,
      maxLagBytes: 4 * 1024 * 1024,
      policy: 'drop-oldest',
      userPolicies: new Map(),
    },
    budget: countedBudget(1024),
    accounts: usage.accounts,
    meter: silentFanoutMeter,
    clock: systemClock,
    startTimer: systemTimer,
    sessionId: randomUUID,
  });
  const server = new ViewerServer({
    hub,
    admission: new ViewerAdmission({
      users: { isRegistered: async () => true },
      limits: { total: 0, perUser: 0, perAddress: 0 },
      meter: silentFanoutMeter,
      logger: silentLogger,
    }),
    settings: {
      handshakeTimeoutMs: 5000,
      handshakeMaxBytes: 4096,
      handshakeErrors: 'silent',
      keepAliveMs: 30_000,
    },
    startTimer: systemTimer,
    logger: silentLogger,
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const outputs = benchChannels.map((channel) => hub.openOutput(channel));
  const lagging = (): number => hub.sessions().filter(({ lagBytes }) => lagBytes > megabyte).length;
  return { port, outputs, viewers: () => hub.sessionCount, delivered: () => usage.packets(), dropped: () => usage.dropped(), lagging };
}

/** The accounts of the component, over the embedded store; what they are told is counted here, too. */
async function countingAccounts(folder: string) {
  let total = 0;
  let dropped = 0;
  const place = await mkdtemp(join(folder, 'usage-'));
  const accounts = await UsageAccounts.open({
    store: await openUsageStore({ kind: 'sqlite', file: join(place, 'usage.db') }),
    journalFile: join(place, 'journal.json'),
    flushMs: 1000,
    packetMsOf: () => 20,
    packetLog: 'off',
    clock: systemClock,
    startTimer: systemTimer,
    logger: silentLogger,
    meter: createUsageMeter(new MetricRegistry().declare(usageMetricTable)),
  });
  const counting: SessionAccounts = {
    open: (session) => {
      const account = accounts.open(session);
      let last = -1;
      return {
        delivered: (range) => {
          if (range.from <= last) throw new Error(`range ${range.from}-${range.to} behind ${last}`);
          last = range.to;
          total += range.packets;
          account.delivered(range);
        },
        dropped: (packets) => {
          dropped += packets;
          account.dropped(packets);
        },
        close: (untaken) => account.close(untaken),
      };
    },
  };
  return { accounts: counting, packets: () => total, dropped: () => dropped };
}

/** Without handshake, order and accounting: each packet is written to each socket, whatever happens to it. */
export async function openNaiveRelay(): Promise<FanOut> {
  const sockets: Socket[] = [];
  let written = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.resume();
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const output: OrderedOutput = {
    data: (_, bytes, start, end) => {
      const copy = Buffer.from(bytes.subarray(start, end));
      for (const socket of sockets) socket.write(copy, () => written++);
    },
    gap: () => {},
    epoch: () => {},
  };
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return { port, outputs: [output], viewers: () => sockets.length, delivered: () => written, dropped: () => 0, lagging: () => 0 };
}
