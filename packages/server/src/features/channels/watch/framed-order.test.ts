import { expect, test } from 'vitest';
import type { StreamFrame } from '../fanout/stream-frame.ts';
import { FramedOrder } from './framed-order.ts';

const data = (sequence: number, epoch = 1): StreamFrame => ({ type: 'data', epoch, sequence, payload: Buffer.from('abc') });
const gap = (from: number, to: number): StreamFrame => ({ type: 'gap', epoch: 1, from, to, reason: 1 });
const follow = (...frames: StreamFrame[]) => {
  const order = new FramedOrder();
  const taken = frames.map((frame) => order.take(frame));
  return { order, taken };
};
const hello: StreamFrame = { type: 'hello', epoch: 1, next: 5 };

test('packets, gaps and epochs one behind the other are in order', () => {
  const { order, taken } = follow(hello, data(5), gap(6, 7), data(8), { type: 'epoch', epoch: 2, next: 0 }, data(0, 2));
  expect(order.counts).toEqual({ packets: 3, bytes: 9, missed: 2, epochs: 1, disorder: 0 });
  expect(order.position).toBe('2:1');
  expect(taken).toEqual([false, true, false, true, false, true]);
});

test.each([
  ['a number twice', [hello, data(5), data(5)]],
  ['a number passed over', [hello, data(6)]],
  ['a gap over what came', [hello, data(5), gap(5, 6)]],
  ['a packet of another epoch', [hello, data(5, 2)]],
  ['an epoch twice', [hello, { type: 'epoch', epoch: 1, next: 0 } as const]],
  ['a begin before what came', [hello, data(5), hello]],
])('%s is disorder', (_, frames) => {
  expect(follow(...frames).order.counts.disorder).toBe(1);
});
