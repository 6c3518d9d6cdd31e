import { ChannelOrders } from '../../../src/features/channels/order/channel-orders.ts';
import { orderMetricTable } from '../../../src/features/channels/order-metrics.ts';
import type { OrderedOutput } from '../../../src/features/channels/ordered-output.ts';
import { SlabBudget } from '../../../src/features/channels/slab-budget.ts';
import { encodeFrame } from '../../../src/features/channels/source/frame.ts';
import { FrameParser } from '../../../src/features/channels/source/frame-parser.ts';
import { seededNumbers } from '../../../src/kernel/codec/seeded-numbers.ts';
import { MetricRegistry } from '../../../src/kernel/observe/metrics.ts';
import { defaultRules } from '../../support/channels/ordered-record.ts';
import { silentLogger as logger } from '../../support/silent-logger.ts';
import type { Figure } from '../report.ts';

const channels = 8;
const packetsOfChannel = 50_000;
const payload = Buffer.alloc(256, 'p');
const chunkBytes = 64 * 1024;
const rounds = 10;
/** How many numbers a packet that is shuffled comes too late by. */
const displacement = 8;
const perSecond = 20_000;
const pacedSeconds = 3;

/** The order alone, from the bytes of a source to the output: parser, order of the channel, payloads of 256 bytes that wait copied once. */
export async function benchChannelsOrder(): Promise<Figure[]> {
  const inOrder = streamOf(0);
  const shuffled = streamOf(0.05);
  return [
    { id: 'channels-order-saturated', value: best(inOrder), unit: 'us/packet', bar: 2 },
    { id: 'channels-order-saturated-shuffled', value: best(shuffled), unit: 'us/packet', bar: 2 },
    { id: 'channels-order-paced', value: await paced(inOrder), unit: 'us/packet', bar: 2 },
    { id: 'channels-order-paced-shuffled', value: await paced(shuffled), unit: 'us/packet', bar: 2 },
  ];
}

interface Stream {
  readonly bytes: Buffer;
  readonly packets: number;
}

/** All packets in turn of the channels; so large a share of them comes later than it should. */
function streamOf(share: number): Stream {
  const random = seededNumbers(1);
  const frames: Buffer[] = [];
  const late: { readonly at: number; readonly frame: Buffer }[] = [];
  for (let sequence = 0; sequence < packetsOfChannel; sequence += 1) {
    while (late[0] && late[0].at <= sequence) frames.push(late.shift()?.frame ?? Buffer.alloc(0));
    for (let channel = 0; channel < channels; channel += 1) {
      const frame = encodeFrame({ prefix: new Uint8Array(5), channel: `chan${channel}`, sequence, payload });
      if (random() < share) late.push({ at: sequence + displacement, frame });
      else frames.push(frame);
    }
  }
  return { bytes: Buffer.concat([...frames, ...late.map(({ frame }) => frame)]), packets: channels * packetsOfChannel };
}

class CountingOutput implements OrderedOutput {
  packets = 0;
  gaps = 0;

  data(): void {
    this.packets += 1;
  }

  gap(): void {
    this.gaps += 1;
  }

  epoch(): void {}
}

function openOrder() {
  const output = new CountingOutput();
  let now = 0;
  const orders = new ChannelOrders({
    rules: { ...defaultRules, startPolicy: 'zero' },
    maxChannels: 1024,
    openOutput: () => output,
    budget: new SlabBudget({ maxBytes: 256 * 1024 * 1024 }),
    metrics: new MetricRegistry().declare(orderMetricTable),
    logger,
    clock: { now: () => now, monotonic: () => now },
    startTimer: () => () => {},
  });
  const connection = { isOpen: true };
  const parser = new FrameParser({
    maxPayloadBytes: 2 ** 20,
    magic: new Uint8Array(0),
    onFrame: (frame) => orders.receive(frame.channelId, frame, connection),
  });
  const push = (chunk: Uint8Array, at: number) => {
    now = at;
    parser.push(chunk, at);
  };
  return { output, orders, push };
}

/** Microseconds of each packet in the fastest round: other work on the machine disturbs the others. */
function best({ bytes, packets }: Stream): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const { output, orders, push } = openOrder();
    const from = performance.now();
    for (let at = 0, chunk = 0; at < bytes.length; at += chunkBytes, chunk += 1) push(bytes.subarray(at, at + chunkBytes), chunk);
    fastest = Math.min(fastest, performance.now() - from);
    orders.flush();
    expectAll(output, packets);
  }
  return (fastest * 1000) / packets;
}

/** Time within the calls for each packet, where they come a few at a time at a fixed rate, and the caches are cold. */
async function paced({ bytes, packets }: Stream): Promise<number> {
  const frameBytes = bytes.length / packets;
  const { output, orders, push } = openOrder();
  const startedAt = performance.now();
  let sent = 0;
  let spentMs = 0;
  for (let elapsed = 0; elapsed < pacedSeconds * 1000; elapsed = performance.now() - startedAt) {
    const due = Math.min(packets, Math.floor((elapsed * perSecond) / 1000));
    const from = performance.now();
    if (due > sent) push(bytes.subarray(sent * frameBytes, due * frameBytes), elapsed);
    spentMs += performance.now() - from;
    sent = due;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  orders.flush();
  if (output.packets < sent) throw new Error(`${output.packets} of ${sent} packets were delivered`);
  return (spentMs * 1000) / sent;
}

function expectAll({ packets, gaps }: CountingOutput, expected: number): void {
  if (packets !== expected || gaps > 0) throw new Error(`${packets} of ${expected} packets were delivered, with ${gaps} gaps`);
}
