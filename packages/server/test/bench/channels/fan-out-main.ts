import { type TakePacket, throughReorderWindow, withoutOrder } from './fan-out-order.ts';
import { openFanOut, openNaiveRelay } from './fan-out-server.ts';
import { type MadePacket, PacketMaker, payloadBuffers } from './packet-maker.ts';

/** The measured process: opens a fan-out, says its port, and publishes as it is told. */
const [kind = 'fan-out', folder = '.', payloadBytes = '256', shuffled = '0', channelCount = '1'] = process.argv.slice(2);
const fanOut = kind === 'naive' ? await openNaiveRelay() : await openFanOut(folder);
const channels: readonly Channel[] = fanOut.outputs.slice(0, Number(channelCount)).map((output) => ({
  maker: new PacketMaker({ payloadBytes: Number(payloadBytes), shuffled: Number(shuffled) }),
  take: (kind === 'naive' ? withoutOrder : throughReorderWindow)(output),
}));
/** Packets of each channel. */
let published = 0;
/** CPU time in which the order and the output of the channel took packets. */
let orderingUs = 0;
const cpuUs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

interface Channel {
  readonly maker: PacketMaker;
  readonly take: TakePacket;
}

/** Packets per viewer that are on their way, at most: a viewer that reads is never dropped for. */
const maxAhead = 2048;
const packetsAtOnce = payloadBuffers;

process.on(
  'message',
  (message: { readonly mode: 'viewers' | 'saturated' | 'paced'; readonly seconds: number; readonly perSecond: number }) => {
    if (message.mode === 'viewers') process.send?.({ viewers: fanOut.viewers() });
    else void measure(message.seconds, message.mode === 'paced' ? paced(message.perSecond) : saturate);
  },
);
process.send?.({ port: fanOut.port });

type Publish = (untilNs: bigint) => Promise<void>;

async function measure(seconds: number, publish: Publish): Promise<void> {
  const before = {
    delivered: fanOut.delivered(),
    dropped: fanOut.dropped(),
    published,
    orderingUs,
    at: process.hrtime.bigint(),
    cpu: process.cpuUsage(),
  };
  await publish(before.at + BigInt(seconds * 1e9));
  const { user, system } = process.cpuUsage(before.cpu);
  process.send?.({
    seconds: Number(process.hrtime.bigint() - before.at) / 1e9,
    cpuUs: user + system,
    userUs: user,
    delivered: fanOut.delivered() - before.delivered,
    dropped: fanOut.dropped() - before.dropped,
    published: published - before.published,
    orderingUs: orderingUs - before.orderingUs,
    lagging: fanOut.lagging(),
  });
}

/** As much as the viewers take. */
async function saturate(untilNs: bigint): Promise<void> {
  const { delivered, viewers } = fanOut;
  const base = delivered() - published * viewers();
  const ahead = (): number => published - (delivered() - base) / viewers();
  for (let now = process.hrtime.bigint(); now < untilNs; now = process.hrtime.bigint()) {
    for (let batch = 0; batch < packetsAtOnce && ahead() < maxAhead; batch += packetsAtOnce) {
      for (const channel of channels) publishMany(channel, now);
      published += packetsAtOnce;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  published += channels[0]?.maker.left ?? 0;
  for (const { maker, take } of channels) {
    for (const { sequence, payload } of maker.rest(process.hrtime.bigint())) take(sequence, payload);
  }
  while (ahead() > 0.001) await new Promise((resolve) => setImmediate(resolve));
}

/** Evenly; a packet says when it was due, however late it was made. */
function paced(perSecond: number): Publish {
  return async (untilNs) => {
    const startNs = process.hrtime.bigint();
    const stepNs = BigInt(Math.round(1e9 / perSecond));
    for (let dueNs = startNs; dueNs < untilNs; ) {
      const now = process.hrtime.bigint();
      for (; dueNs <= now && dueNs < untilNs; dueNs += stepNs) publishNext(dueNs);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.floor(Number(dueNs - process.hrtime.bigint()) / 1e6))));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  };
}

function publishMany({ maker, take }: Channel, dueNs: bigint): void {
  const packets: MadePacket[] = [];
  for (let one = 0; one < packetsAtOnce; one += 1) packets.push(maker.make(dueNs));
  const fromUs = cpuUs();
  for (const { sequence, payload } of packets) take(sequence, payload);
  orderingUs += cpuUs() - fromUs;
}

/** A packet of each channel. */
function publishNext(dueNs: bigint): void {
  for (const { maker, take } of channels) {
    const { sequence, payload } = maker.make(dueNs);
    take(sequence, payload);
  }
  published += 1;
}
