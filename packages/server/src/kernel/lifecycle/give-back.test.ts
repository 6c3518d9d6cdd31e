import { expect, test } from 'vitest';
import { giveBack } from './give-back.ts';

const large = 64 * 1024;

test('a large memory that the bytes fill alone is given back, once', () => {
  const bytes = Buffer.allocUnsafeSlow(large);
  const view = new Uint8Array(bytes.buffer);
  giveBack(bytes);
  expect([bytes.length, view.length]).toEqual([0, 0]);
  giveBack(bytes);
  expect(bytes).toHaveLength(0);
});

test.each([
  ['the front of a larger memory', (memory: Uint8Array) => memory.subarray(0, large)],
  ['the end of a larger memory', (memory: Uint8Array) => memory.subarray(1)],
  ['the middle of a larger memory', (memory: Uint8Array) => memory.subarray(1, large)],
])('%s stays', (_name, view) => {
  const memory = new Uint8Array(large + 1).fill(7);
  giveBack(view(memory));
  expect(memory).toEqual(new Uint8Array(large + 1).fill(7));
});

test('small memories, those of the pool, and those that threads share stay', () => {
  const small = Buffer.allocUnsafeSlow(1000);
  const shared = new Uint8Array(new SharedArrayBuffer(large));
  const pooled = Buffer.from('x'.repeat(1000));
  for (const bytes of [small, shared, pooled]) giveBack(bytes);
  expect([small.length, shared.length, pooled.toString()]).toEqual([1000, large, 'x'.repeat(1000)]);
});
