import { expect, test } from 'vitest';
import { ownMemory } from './own-memory.ts';

test('bytes move as they are where they are alone, and are copied where they are not', () => {
  const alone = Buffer.allocUnsafeSlow(100);
  expect(ownMemory(alone).buffer).toBe(alone.buffer);
  const part = alone.subarray(10, 20);
  const own = ownMemory(part);
  expect([own.byteOffset, own.buffer.byteLength]).toEqual([0, 10]);
  expect(part.equals(own)).toBe(true);
});
