import { expect, test } from 'vitest';
import { partitionOfKey } from './partition-of-key.ts';

// Hashes that Kafka's own tests (UtilsTest.testMurmur2) name, without their sign.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('%s goes where Kafka puts it', (key, hash) => {
  const bytes = new TextEncoder().encode(key);
  for (const partitions of [1, 4, 7, 1000]) expect(partitionOfKey(bytes, partitions)).toBe((hash & 0x7fffffff) % partitions);
});

test('a key has a partition wherever its bytes lie', () => {
  const bytes = new TextEncoder().encode('..foobar');
  expect(partitionOfKey(bytes.subarray(2), 1000)).toBe((-790332482 & 0x7fffffff) % 1000);
  expect(partitionOfKey(new Uint8Array(), 3)).toBeGreaterThanOrEqual(0);
});
