import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { StreamOptions } from '../packages/server/src/features/channels/simulator/source-stream.ts';
import { compareWithSource } from './channel-truth.ts';
import { type DemoRun, runDemo, say } from './run-demo.ts';
import { anyPorts, type StartedService, startService, withoutSettings } from './start-service.ts';

/**
 * The channels lane: a made-up source sends two channels, shuffled and with doubles; five viewers write what they are shown to files.
 * Ends with 0 only if every file is what the source sent, in order and byte for byte, from the moment on at which its viewer joined,
 * and if the usage of each is what its file has.
 */

const viewers = [
  { user: 'user-1', channel: 'zato01' },
  { user: 'user-2', channel: 'zato02' },
  { user: 'user-3', channel: 'unknown' },
  { user: 'user-4', channel: 'zato01' },
  { user: 'user-5', channel: 'zato02' },
] as const;

const rate = 100;
const packetMs = 20;
const stream: StreamOptions = {
  channels: ['zato01', 'zato02'],
  prefix: Buffer.alloc(5),
  plan: { startSequence: 0, reorderWindow: 20, loss: 0, duplicates: 0.05, late: 0, lateBy: 1000, restartEvery: 0 },
  payload: { seed: 20, bytes: 1316, input: undefined },
  garbage: 0,
};
const sourceSeconds = 12;
/** Longer than a shuffled block lasts, by so much that a busy machine loses nothing. */
const reorderTimeout = '3s';
/** Fewer would show that viewers joined late, or were left. */
const leastPackets = (sourceSeconds * rate) / 3;
const settledWithinMs = 15_000;
const binary = fileURLToPath(new URL('../packages/server/bin/sluice.js', import.meta.url));

/** Resolves to the number of packets that the viewers were shown, once everything is checked and both processes have ended. */
async function demo({ folder, logFile, signal }: DemoRun): Promise<number> {
  await using log = await open(logFile, 'a');
  const common = { env: withoutSettings(process.env), log: log.fd };
  await using source = await startService({
    ...common,
    component: 'channel-source',
    dataDir: join(folder, 'source'),
    flags: [...anyPorts, ...sourceFlags(), '--log-level', 'warn'],
  });
  const sourceUrl = source.report.urls['channel-source'] ?? '';
  const { plan, channels } = stream;
  say(`source    ${sourceUrl}: ${channels.join(', ')}, ${rate} packets a second of each, shuffled among ${plan.reorderWindow}`);
  const dataDir = join(folder, 'data');
  const service = await startService({
    ...common,
    component: 'channels',
    dataDir,
    flags: [...anyPorts, ...serviceFlags(new URL(sourceUrl).host), '--log-level', 'warn'],
  });
  let told: readonly UsageTold[];
  {
    await using running = service;
    told = await watch(running, { folder, source, signal });
  }
  const end = await service.exited;
  if (end !== 0) throw new Error(`the service did not stop cleanly, but with ${end}`);
  const packets = await compareFiles(folder, told);
  await verifyUsage(dataDir, signal);
  return packets;
}

const sourceFlags = (): string[] => {
  const { plan, payload, channels } = stream;
  const settings = {
    listen: '127.0.0.1:0',
    duration: `${sourceSeconds}s`,
    channels: channels.join(','),
    rate,
    payload: `${payload.bytes}B`,
    'reorder-window': plan.reorderWindow,
    dup: plan.duplicates,
    'start-seq': plan.startSequence,
    seed: payload.seed,
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--channel-source-${name}`, String(value)]);
};

const serviceFlags = (source: string): string[] => [
  ...['--channels-source-addresses', source, '--channels-packet-time', String(packetMs)],
  // The source begins with 0, so there is no need to wait for a lower number.
  ...['--channels-reorder-timeout', reorderTimeout, '--channels-reorder-start-policy', 'zero'],
];

interface Watching {
  readonly folder: string;
  readonly source: StartedService;
  readonly signal: AbortSignal;
}

interface UsageTold {
  readonly packets: number;
  /** What `GET /usage/<user>` answers. */
  readonly answer: string;
}

const fileOf = (folder: string, user: string): string => join(folder, `${user}.ts`);

/** Registers the viewers and lets them watch until the source has ended and all that it sent is billed. */
async function watch({ report }: StartedService, { folder, source, signal }: Watching): Promise<readonly UsageTold[]> {
  const url = report.urls['channels'] ?? '';
  const { hostname: host, port } = new URL(report.urls['channels-tcp'] ?? '');
  say(`service   users and usage ${url}, viewers ${report.urls['channels-tcp']}`);
  const files = await Promise.all(
    viewers.map(async ({ user, channel }) => {
      const { status } = await fetch(`${url}/register`, { method: 'POST', body: user, signal });
      if (status !== 200) throw new Error(`the registration of ${user} was answered with ${status}`);
      const socket = connect({ host, port: Number(port) });
      await once(socket, 'connect', { signal });
      socket.write(`${user} ${channel}\n`);
      const file = createWriteStream(fileOf(folder, user));
      // It ends with the service.
      return { file, written: pipeline(socket, file).catch((error: unknown) => error) };
    }),
  );
  say(`watching  ${viewers.map(({ user, channel }) => `${user} ${channel}`).join(', ')}`);
  const end = await Promise.race([source.exited, once(signal, 'abort')]);
  signal.throwIfAborted();
  if (end !== 0) throw new Error(`the source ended with ${end}`);
  await settle(url, signal);
  for (const { file } of files) if (file.closed) throw new Error('a viewer was left before the end');
  return await Promise.all(viewers.map(({ user }) => usageOf(url, user, signal)));
}

/** Waits until no packet waits for an earlier one, and usage has stopped to rise. */
async function settle(url: string, signal: AbortSignal): Promise<void> {
  const until = performance.now() + settledWithinMs;
  for (let before = ''; ; ) {
    const { channels } = (await (await fetch(`${url}/channels`, { signal })).json()) as { channels: { buffered: number }[] };
    const waiting = channels.reduce((sum, { buffered }) => sum + buffered, 0);
    const sessions = await (await fetch(`${url}/sessions`, { signal })).text();
    if (waiting === 0 && sessions === before) break;
    if (performance.now() > until) throw new Error(`${waiting} packets still wait for earlier ones`);
    before = sessions;
    await sleep(300, undefined, { signal });
  }
  // Twice the time between two flushes.
  await sleep(2000, undefined, { signal });
}

async function usageOf(url: string, user: string, signal: AbortSignal): Promise<UsageTold> {
  const answer = (await (await fetch(`${url}/usage/${user}`, { signal })).text()).trimEnd();
  const detail = await (await fetch(`${url}/usage/${user}?detail=1`, { signal })).json();
  const sessions = (detail as { detail: { packets: number }[] }).detail;
  return { answer, packets: sessions.reduce((sum, { packets }) => sum + packets, 0) };
}

/** Each file against the source, the files of one channel against each other, and all of them against the usage. */
async function compareFiles(folder: string, told: readonly UsageTold[]): Promise<number> {
  let sum = 0;
  const ends = new Map<string, number>();
  for (const [index, { user, channel }] of viewers.entries()) {
    const { packets, first } = compareWithSource(channel, await readFile(fileOf(folder, user)), stream);
    const isSent = stream.channels.includes(channel);
    if (isSent ? packets < leastPackets : packets > 0) throw new Error(`${user} was shown ${packets} packets of ${channel}`);
    if ((ends.get(channel) ?? first + packets) !== first + packets) throw new Error(`the viewers of ${channel} did not see the same end`);
    ends.set(channel, first + packets);
    const { answer = '', packets: billed } = told[index] ?? {};
    const expected = isSent ? `{"sessions":{"${channel}":${Math.floor((packets * packetMs) / 1000)}}}` : '{"sessions":{}}';
    if (answer !== expected || billed !== packets)
      throw new Error(`${user} was shown ${packets} packets, but billed are ${billed}, as ${answer}`);
    say(`checked   ${user} ${channel}: ${isSent ? `${packets} packets from ${first} on, byte for byte` : 'nothing'}; usage ${answer}`);
    sum += packets;
  }
  return sum;
}

async function verifyUsage(dataDir: string, signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, [binary, 'usage', 'verify', '--data-dir', dataDir], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: withoutSettings(process.env),
    signal,
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error('the ranges of usage do not give what was billed');
}

await runDemo('channels', demo);
