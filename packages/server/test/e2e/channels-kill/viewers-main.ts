import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { V1Reader } from '../../../src/features/channels/fanout/v1-reader.ts';
import { createPayloads } from '../../../src/features/channels/simulator/payloads.ts';
import { FramedOrder } from '../../../src/features/channels/watch/framed-order.ts';
import type { KeptConnection } from './kept-connection.ts';

/**
 * Viewers that connect again behind what they have, whenever their connection ends, until they are told not to.
 * Arguments: port, viewers, channel, seed and bytes of the payloads. Commands, a line each, answered by a line: `count` by
 * `[connections, fewest packets of a viewer's last connection]`, `end` (the next end is the last one) by `0`, `report` by all of it.
 */

const [port = 0, viewers = 0] = process.argv.slice(2, 4).map(Number);
const channel = process.argv[4] ?? '';
const payloadOf = createPayloads(channel, { seed: Number(process.argv[5]), bytes: Number(process.argv[6]), input: undefined });
/** The same for all viewers. */
const known = new Map<number, Buffer>();
const retryMs = 50;
let isEnding = false;

class Viewer {
  readonly user: string;
  readonly order = new FramedOrder();
  readonly connections: KeptConnection[] = [];

  constructor(user: string) {
    this.user = user;
  }

  watch(): void {
    const position = this.order.position;
    const asked = position === undefined ? '' : `from=${position}`;
    const now = { asked, hello: -1, gaps: [] as { from: number; to: number }[], kinds: [] as string[] };
    const kept = { ...now, packets: 0, first: -1, last: -1, wrong: 0 };
    const reader = new V1Reader(1024 * 1024);
    const socket = connect(port, '127.0.0.1', () => {
      this.connections.push(kept);
      socket.write(`${this.user} ${channel} ${[asked, 'frame=v1'].join(' ').trim()}\n`);
    });
    socket.on('error', () => {});
    socket.on('close', () => void (isEnding || setTimeout(() => this.watch(), retryMs)));
    socket.on('data', (chunk: Buffer) => {
      for (const frame of reader.read(chunk)) {
        this.order.take(frame);
        if (kept.kinds.at(-1) !== frame.type) kept.kinds.push(frame.type);
        else if (frame.type !== 'data') kept.kinds.push(frame.type);
        if (frame.type === 'hello') kept.hello = frame.next;
        if (frame.type === 'gap') kept.gaps.push({ from: frame.from, to: frame.to });
        if (frame.type !== 'data') continue;
        kept.packets += 1;
        if (kept.first < 0) kept.first = frame.sequence;
        kept.last = frame.sequence;
        if (!expected(frame.sequence).equals(frame.payload)) kept.wrong += 1;
      }
    });
  }
}

function expected(sequence: number): Buffer {
  const found = known.get(sequence) ?? payloadOf(sequence);
  known.set(sequence, found);
  return found;
}

const all = Array.from({ length: viewers }, (_, index) => new Viewer(`user-${index}`));
for (const viewer of all) viewer.watch();

const lines = createInterface({ input: process.stdin });
lines.on('line', (command) => {
  if (command === 'end') isEnding = true;
  process.stdout.write(`${JSON.stringify(answer(command))}\n`);
});
lines.on('close', () => process.exit(0));

function answer(command: string): unknown {
  if (command === 'count') {
    const connections = all.reduce((sum, viewer) => sum + viewer.connections.length, 0);
    return [connections, Math.min(...all.map((viewer) => viewer.connections.at(-1)?.packets ?? 0))];
  }
  if (command !== 'report') return 0;
  return all.map(({ user, order, connections }) => ({ user, disorder: order.counts.disorder, connections }));
}
