import { createServer, type Socket } from 'node:net';
import { ChannelHub } from '../../../src/features/channels/channel-hub.ts';
import type { OrderedOutput } from '../../../src/features/channels/ordered-output.ts';
import type { SessionAccounts } from '../../../src/features/channels/session-account.ts';
import { ViewerAdmission } from '../../../src/features/channels/viewer-admission.ts';
import { ViewerServer } from '../../../src/features/channels/viewer-server.ts';
import { systemClock } from '../../../src/kernel/time/clock.ts';
import { systemTimer } from '../../../src/kernel/time/start-timer.ts';
import { countedBudget, silentFanoutMeter } from '../../support/fanout-fixture.ts';
import { silentLogger } from '../../support/silent-logger.ts';

/** What is measured: takes packets in order for one channel, and gives them to viewers. */
export interface FanOut {
  readonly port: number;
  readonly output: OrderedOutput;
  viewers(): number;
  /** Packets handed over to the system, over all viewers. */
  delivered(): number;
  dropped(): number;
  /** Viewers that lag by more than a megabyte. */
  lagging(): number;
}

export const benchChannel = 'bench1';
const megabyte = 1024 * 1024;

/** As the component has it, with accounts that add up. */
export async function openFanOut(): Promise<FanOut> {
  const usage = countingAccounts();
  const hub = new ChannelHub({
    rules: {
      replayMs: 30_000,
      gatherMs: 2,
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
    sessionId: usage.nextId,
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
  const output = hub.openOutput(benchChannel);
  const lagging = (): number => hub.sessions().filter(({ lagBytes }) => lagBytes > megabyte).length;
  return { port, output, viewers: () => hub.sessionCount, delivered: () => usage.packets(), dropped: () => usage.dropped(), lagging };
}

function countingAccounts() {
  const perSession = new Map<string, { packets: number; bytes: number; last: number }>();
  let total = 0;
  let dropped = 0;
  let ids = 0;
  const accounts: SessionAccounts = {
    open: ({ sessionId }) => {
      const sums = { packets: 0, bytes: 0, last: -1 };
      perSession.set(sessionId, sums);
      return {
        delivered: ({ packets, bytes, from, to }) => {
          if (from <= sums.last) throw new Error(`range ${from}-${to} behind ${sums.last}`);
          sums.packets += packets;
          sums.bytes += bytes;
          sums.last = to;
          total += packets;
        },
        dropped: (packets) => {
          dropped += packets;
        },
        close: () => {},
      };
    },
  };
  return { accounts, packets: () => total, dropped: () => dropped, nextId: () => String(ids++) };
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
  return { port, output, viewers: () => sockets.length, delivered: () => written, dropped: () => 0, lagging: () => 0 };
}
