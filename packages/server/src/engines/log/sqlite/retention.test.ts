import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planRetention, type SealedSegment } from './retention.ts';

const hour = 3_600_000;
/** Segments of 100 records in each of two partitions, one an hour, 10 bytes each. */
const segments = (count: number): SealedSegment[] =>
  Array.from({ length: count }, (_, index) => ({
    newestMs: index * hour,
    bytes: 10,
    begins: [index * 100, index * 100],
    ends: [index * 100 + 100, index * 100 + 100],
  }));
const input = { segments: segments(5), activeBytes: 10, floors: undefined, nowMs: 5 * hour, retentionMs: 3 * hour, maxBytes: 1000 };

test('segments go once they are old, oldest first', () => {
  expect(planRetention(input)).toEqual({ drop: 2, lostRecords: 0 });
  expect(planRetention({ ...input, nowMs: 100 * hour })).toEqual({ drop: 5, lostRecords: 0 });
  expect(planRetention({ ...input, nowMs: 3 * hour })).toEqual({ drop: 0, lostRecords: 0 });
});

test('segments that a group has not read stay, however old', () => {
  expect(planRetention({ ...input, floors: [500, 199], nowMs: 100 * hour })).toEqual({ drop: 1, lostRecords: 0 });
  expect(planRetention({ ...input, floors: [500, 200], nowMs: 100 * hour })).toEqual({ drop: 2, lostRecords: 0 });
});

test('over the cap the oldest go, and what a group had not read is counted', () => {
  expect(planRetention({ ...input, floors: [100, 150], nowMs: 0, maxBytes: 35 })).toEqual({ drop: 3, lostRecords: 200 + 150 });
  expect(planRetention({ ...input, nowMs: 0, maxBytes: 0 })).toEqual({ drop: 5, lostRecords: 0 });
});

test('never drops an unread segment below the cap, and always gets below it if it can', () => {
  const plan = fc.record({ floor: fc.nat(600), nowHours: fc.nat(20), maxBytes: fc.nat(100) });
  fc.assert(
    fc.property(plan, ({ floor, nowHours, maxBytes }) => {
      const { drop, lostRecords } = planRetention({ ...input, floors: [floor, floor], nowMs: nowHours * hour, maxBytes });
      const bytes = 10 + (5 - drop) * 10;
      expect(bytes <= Math.max(maxBytes, 10)).toBe(true);
      expect(lostRecords).toBe(2 * Math.max(0, drop * 100 - floor));
      if (lostRecords > 0) expect(bytes + 10).toBeGreaterThan(maxBytes);
    }),
  );
});
