import { expect, test } from 'vitest';
import { createPayloads } from '../packages/server/src/features/channels/simulator/payloads.ts';
import type { StreamOptions } from '../packages/server/src/features/channels/simulator/source-stream.ts';
import { compareWithSource } from './channel-truth.ts';

const bytes = 188;
const stream: StreamOptions = {
  channels: ['zato01'],
  prefix: Buffer.alloc(5),
  plan: { startSequence: 0, reorderWindow: 4, loss: 0, duplicates: 0.1, late: 0, lateBy: 1000, restartEvery: 0 },
  payload: { seed: 5, bytes, input: undefined },
  garbage: 0,
};
const payload = createPayloads('zato01', stream.payload);
const received = (...numbers: number[]) => Buffer.concat(numbers.map(payload));
/** Whole blocks, so that every number of them was sent. */
const numbers = Array.from({ length: 13 }, (_, index) => index + 7);

test('every packet in order, from where the viewer joined, is the truth', () => {
  expect(compareWithSource('zato01', received(...numbers), stream)).toEqual({ packets: 13, first: 7 });
  expect(compareWithSource('zato01', Buffer.alloc(0), stream)).toEqual({ packets: 0, first: -1 });
});

test.each([
  ['a packet left out', received(...numbers.toSpliced(5, 1))],
  ['a packet twice', received(...numbers.toSpliced(5, 0, 12))],
  ['two in the wrong order', received(...numbers.with(5, 13).with(6, 12))],
  ['another byte', received(...numbers).fill(1, 400, 401)],
  ['a number that is never sent', received(100_001)],
  ['a cut packet', received(...numbers).subarray(0, -1)],
])('%s is not', (_, bytesOf) => {
  expect(() => compareWithSource('zato01', bytesOf, stream)).toThrow('zato01: ');
});
