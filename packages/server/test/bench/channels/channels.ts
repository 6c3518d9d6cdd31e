import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, median } from '../report.ts';
import { benchChannels as channelNames } from './fan-out-server.ts';
import { type Measured, MeasuredFanOut } from './measured-fan-out.ts';
import { type ReaderCounts, readerCommand, ViewerReaders } from './viewer-readers.ts';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 4);
const warmUpSeconds = Math.min(3, seconds);

interface Run {
  readonly kind: 'fan-out' | 'naive';
  readonly viewers: number;
  readonly stalled?: number;
  readonly shuffled?: number;
  readonly channels?: number;
  readonly payloadBytes?: number;
  readonly publish: (fanOut: MeasuredFanOut, seconds: number) => Promise<Measured>;
  /** Before it is measured, if not the same. */
  readonly warmUp?: Run['publish'];
}

interface Result {
  readonly rate: number;
  readonly cpuUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMb: number;
  readonly orderingUs: number;
}

const saturate: Run['publish'] = (fanOut, time) => fanOut.saturate(time);
const pace =
  (perSecond: number): Run['publish'] =>
  (fanOut, time) =>
    fanOut.pace(perSecond, time);

/**
 * Fan-out of a channel to many viewers on the same machine: as fast as they take it, and at a fixed pace; and of two channels with media. Viewers check every number.
 * Packets go through the reorder window, and what is delivered into the accounts and their embedded store. The naive relay is a loop of `socket.write`, a packet each, in the same run.
 */
export async function benchChannels(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const readers = readerCommand(folder);
  const run = (options: Run): Promise<Result> => measure({ readers, folder }, options);
  try {
    const few = await run({ kind: 'fan-out', viewers: 100, publish: saturate });
    const many = await run({ kind: 'fan-out', viewers: 500, publish: saturate });
    const shuffled = await run({ kind: 'fan-out', viewers: 500, shuffled: 0.05, publish: saturate });
    const naive = await run({ kind: 'naive', viewers: 500, publish: saturate });
    const paced = await run({ kind: 'fan-out', viewers: 500, publish: pace(200) });
    const pacedNaive = await run({ kind: 'naive', viewers: 500, publish: pace(200) });
    const stalled = await run({ kind: 'fan-out', viewers: 500, stalled: 5, publish: pace(2000), warmUp: pace(8000) });
    const media = await run({ kind: 'fan-out', viewers: 1000, channels: 2, payloadBytes: 1316, publish: pace(100) });
    return [
      { id: 'channels-rate-100', value: few.rate, unit: 'deliveries/s' },
      { id: 'channels-cpu-100', value: few.cpuUs, unit: 'us/delivery' },
      { id: 'channels-rate-500', value: many.rate, unit: 'deliveries/s', atLeast: 1_000_000 },
      { id: 'channels-cpu-500', value: many.cpuUs, unit: 'us/delivery', bar: 0.9 },
      { id: 'channels-rss-500', value: many.rssMb, unit: 'MB' },
      { id: 'channels-ordering-500', value: many.orderingUs, unit: 'us/packet', bar: 2 },
      { id: 'channels-shuffled-rate-500', value: shuffled.rate, unit: 'deliveries/s', atLeast: 1_000_000 },
      { id: 'channels-shuffled-cpu-500', value: shuffled.cpuUs, unit: 'us/delivery', bar: 0.9 },
      { id: 'channels-shuffled-ordering-500', value: shuffled.orderingUs, unit: 'us/packet', bar: 2 },
      { id: 'channels-naive-rate-500', value: naive.rate, unit: 'deliveries/s' },
      { id: 'channels-naive-cpu-500', value: naive.cpuUs, unit: 'us/delivery' },
      { id: 'channels-paced-cpu', value: paced.cpuUs, unit: 'us/delivery', bar: 5 },
      { id: 'channels-paced-p50', value: paced.p50Ms, unit: 'ms' },
      { id: 'channels-paced-p99', value: paced.p99Ms, unit: 'ms', bar: 10 },
      { id: 'channels-naive-paced-cpu', value: pacedNaive.cpuUs, unit: 'us/delivery' },
      { id: 'channels-naive-paced-p99', value: pacedNaive.p99Ms, unit: 'ms' },
      { id: 'channels-stalled-p99', value: stalled.p99Ms, unit: 'ms', bar: 50 },
      { id: 'channels-stalled-rss', value: stalled.rssMb, unit: 'MB' },
      { id: 'channels-media-rate-1000', value: media.rate, unit: 'deliveries/s' },
      { id: 'channels-media-cpu-1000', value: media.cpuUs, unit: 'us/delivery' },
      { id: 'channels-media-p99-1000', value: media.p99Ms, unit: 'ms' },
      { id: 'channels-media-rss-1000', value: media.rssMb, unit: 'MB' },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The middle of several rounds; each checks that the readers got every delivery in order. */
async function measure(
  { readers, folder }: { readonly readers: readonly string[]; readonly folder: string },
  { kind, viewers, stalled = 0, shuffled = 0, channels = 1, payloadBytes = 256, publish, warmUp = publish }: Run,
): Promise<Result> {
  await using fanOut = await MeasuredFanOut.start({ kind, folder, payloadBytes, shuffled, channels });
  await using reading = new ViewerReaders(readers, {
    ...{ port: fanOut.port, viewers, stalled, payloadBytes },
    channels: channelNames.slice(0, channels),
  });
  await fanOut.untilViewers(viewers);
  await warmUp(fanOut, warmUpSeconds);
  const samples: Result[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await quietCounts(reading);
    reading.reset();
    const measured = await publish(fanOut, seconds);
    const counts = await quietCounts(reading);
    check({ counts, measured, viewers: viewers - stalled, stalled });
    samples.push({
      rate: counts.packets / measured.seconds,
      cpuUs: measured.cpuUs / counts.packets,
      p50Ms: counts.p50Ms,
      p99Ms: counts.p99Ms,
      rssMb: fanOut.peakRssMb(),
      orderingUs: measured.orderingUs / measured.published,
    });
    if (process.env['BENCH_VERBOSE'] === '1')
      process.stderr.write(`${JSON.stringify({ kind, viewers, stalled, ...measured, ...counts })}\n`);
  }
  const middle = (of: (sample: Result) => number): number => median(samples.map(of));
  return {
    rate: middle(({ rate }) => rate),
    cpuUs: middle(({ cpuUs }) => cpuUs),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    orderingUs: middle(({ orderingUs }) => orderingUs),
    rssMb: Math.max(...samples.map(({ rssMb }) => rssMb)),
  };
}

/** What readers have when nothing more comes. */
async function quietCounts(reading: ViewerReaders): Promise<ReaderCounts> {
  for (let before = await reading.counts(); ; ) {
    await sleep(300);
    const now = await reading.counts();
    if (now.packets === before.packets) return now;
    before = now;
  }
}

interface Checked {
  readonly counts: ReaderCounts;
  readonly measured: Measured;
  readonly viewers: number;
  readonly stalled: number;
}

function check({ counts, measured, viewers, stalled }: Checked): void {
  if (measured.lagging < stalled) throw new Error(`${measured.lagging} of ${stalled} viewers that never read lag`);
  if (counts.disorder > 0) throw new Error(`${counts.disorder} packets came out of order`);
  const wanted = measured.published * viewers;
  if (counts.packets + counts.missing !== wanted || (stalled === 0 && counts.missing > 0))
    throw new Error(`${wanted} deliveries, of which ${counts.packets} came and ${counts.missing} were passed over`);
}
