import { alreadyOrdered, type PacketOrder, reordering } from './fan-out-order.ts';
import { type FanOut, openFanOut, openNaiveRelay } from './fan-out-server.ts';
import { PacketMaker } from './packet-maker.ts';

/** The measured process: opens a fan-out, says its port, and publishes as it is told. */
const [kind = 'fan-out', payloadBytes = '256', shuffled = '0'] = process.argv.slice(2);
const maker = new PacketMaker({ payloadBytes: Number(payloadBytes), shuffled: Number(shuffled) });
const fanOut = kind === 'naive' ? await openNaiveRelay() : await openFanOut();
fanOut.output.epoch(1, 0);
const order = (Number(shuffled) > 0 ? (reordering ?? alreadyOrdered) : alreadyOrdered)(fanOut.output);
let published = 0;

/** Packets per viewer that are on their way, at most: a viewer that reads is never dropped for. */
const maxAhead = 2048;
const packetsAtOnce = 256;

process.on(
  'message',
  (message: { readonly mode: 'viewers' | 'saturated' | 'paced'; readonly seconds: number; readonly perSecond: number }) => {
    if (message.mode === 'viewers') process.send?.({ viewers: fanOut.viewers() });
    else void measure(message.seconds, message.mode === 'paced' ? paced(message.perSecond) : saturate);
  },
);
process.send?.({ port: fanOut.port });

type Publish = (fanOut: FanOut, order: PacketOrder, untilNs: bigint) => Promise<void>;

async function measure(seconds: number, publish: Publish): Promise<void> {
  const before = {
    delivered: fanOut.delivered(),
    dropped: fanOut.dropped(),
    published,
    at: process.hrtime.bigint(),
    cpu: process.cpuUsage(),
  };
  await publish(fanOut, order, before.at + BigInt(seconds * 1e9));
  const { user, system } = process.cpuUsage(before.cpu);
  process.send?.({
    seconds: Number(process.hrtime.bigint() - before.at) / 1e9,
    cpuUs: user + system,
    userUs: user,
    delivered: fanOut.delivered() - before.delivered,
    dropped: fanOut.dropped() - before.dropped,
    published: published - before.published,
    lagging: fanOut.lagging(),
  });
}

/** As much as the viewers take. */
async function saturate({ delivered, viewers }: FanOut, { packet }: PacketOrder, untilNs: bigint): Promise<void> {
  const base = delivered() - published * viewers();
  const ahead = (): number => published - (delivered() - base) / viewers();
  for (let now = process.hrtime.bigint(); now < untilNs; now = process.hrtime.bigint()) {
    for (let batch = 0; batch < packetsAtOnce && ahead() < maxAhead; batch += packetsAtOnce) {
      for (let one = 0; one < packetsAtOnce; one += 1) {
        const { sequence, payload } = maker.make(now);
        packet(sequence, payload);
      }
      published += packetsAtOnce;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (ahead() > 0.001) await new Promise((resolve) => setImmediate(resolve));
}

/** Evenly; a packet says when it was due, however late it was made. */
function paced(perSecond: number): Publish {
  return async (_, { packet }, untilNs) => {
    const startNs = process.hrtime.bigint();
    const stepNs = BigInt(Math.round(1e9 / perSecond));
    for (let dueNs = startNs; dueNs < untilNs; ) {
      const now = process.hrtime.bigint();
      for (; dueNs <= now && dueNs < untilNs; dueNs += stepNs) {
        const { sequence, payload } = maker.make(dueNs);
        packet(sequence, payload);
        published += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.floor(Number(dueNs - process.hrtime.bigint()) / 1e6))));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  };
}
