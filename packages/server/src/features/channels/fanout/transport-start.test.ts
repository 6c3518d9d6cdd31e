import { expect, test } from 'vitest';
import { transportStart } from './transport-start.ts';

const packets = (count: number): Buffer => {
  const bytes = Buffer.alloc(count * 188, 0x11);
  for (let at = 0; at < bytes.length; at += 188) bytes[at] = 0x47;
  return bytes;
};

test('the first sync byte with others behind it at every packet', () => {
  expect(transportStart(packets(7))).toBe(0);
  expect(transportStart(Buffer.concat([Buffer.from([1, 0x47, 2]), packets(7)]))).toBe(3);
  expect(transportStart(packets(7).subarray(100))).toBe(88);
});

test('a payload that is none has no start', () => {
  expect(transportStart(Buffer.alloc(1316))).toBeUndefined();
  expect(transportStart(Buffer.alloc(0))).toBeUndefined();
});
