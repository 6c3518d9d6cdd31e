import { expect, it } from 'vitest';
import { MemoryUsage, MemoryUsageStore } from '../../../test/support/memory-usage-store.ts';
import { testRange } from '../../engines/usage/usage-store.conformance.ts';
import { hourMs, type UsageRange } from '../../engines/usage/usage-store.ts';
import { verifyUsage } from './verify-usage.ts';

const never = new AbortController().signal;
const good = Array.from({ length: 4 }, (_, index) => testRange(index + 1));
const h0 = testRange(1).hourMs;

async function reportOf(ranges: readonly UsageRange[], change: (usage: MemoryUsage) => void = () => {}, provenFromMs = 0) {
  const usage = new MemoryUsage();
  const store = new MemoryUsageStore({ usage });
  await store.writeRanges(ranges, never);
  change(usage);
  return await verifyUsage({ store, provenFromMs, signal: never });
}

it('finds nothing where nothing is wrong', async () => {
  const later = good.map((range) => ({ ...range, sessionId: 's2', user: 'user-2' }));
  expect(await reportOf([...good, ...later])).toEqual({ hours: 2, unproven: 0, sessions: 2, ranges: 8, problems: 0, found: [] });
});

it('says nothing of hours whose ranges may be gone', async () => {
  expect(await reportOf(good, (usage) => usage.ranges.clear(), h0 + 1)).toMatchObject({ hours: 1, unproven: 1, problems: 0 });
});

it('finds what is lost, doubled or made up', async () => {
  const [first, second, , last] = good as [UsageRange, UsageRange, UsageRange, UsageRange];
  const cases: [readonly UsageRange[], (usage: MemoryUsage) => void, RegExp][] = [
    [good, ({ ranges }) => void ranges.delete([...ranges.keys()][1] ?? ''), /the ranges give 30 packets, told are 40/],
    [good, ({ ranges }) => void ranges.delete([...ranges.keys()][3] ?? ''), /the last range has flush 3, the total flush 4/],
    [[first, { ...second, from: first.to }], () => {}, /flushes 1 and 2 both have the number 9/],
    [[{ ...first, to: first.from + 3 }], () => {}, /flush 1 has 10 packets with the numbers 0 to 3/],
    [
      [...good, { ...testRange(1, { hour: h0 + hourMs }), flush: 5, from: last.to, to: last.to + 20 }],
      () => {},
      /numbers 42 to 42 are in two hours/,
    ],
  ];
  for (const [ranges, change, problem] of cases) {
    const report = await reportOf(ranges, change);
    expect(report.problems).toBeGreaterThan(0);
    expect(report.found.join('\n')).toMatch(problem);
  }
});

it('takes the same number in another epoch or session as another one', async () => {
  const again = { ...testRange(2), epoch: 2, from: 0, to: 9 };
  const other = testRange(1, { session: 's2' });
  expect(await reportOf([testRange(1), again, other])).toMatchObject({ problems: 0 });
});
