import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketAt, bucketGrid, dayMs } from './bucket-grid.ts';

const hourMs = 3_600_000;
const utc = (text: string) => Date.parse(`${text}Z`);
const never = Number.MAX_SAFE_INTEGER;

function gridOf(rule: { stepMs: number; timeZone: string }, fromMs: number, toMs: number) {
  const grid = bucketGrid(rule, { fromMs, toMs, completeAtMs: never, maxBuckets: 10_000, maxUnits: 100_000 });
  if (!grid.ok) throw new Error(grid.reason);
  return grid.value;
}

describe('buckets of UTC', () => {
  it('begin at multiples of the step, and the first holds the begin of the window', () => {
    const rule = { stepMs: 10_000, timeZone: 'UTC' };
    expect(gridOf(rule, 25_000, 45_000)).toEqual({ starts: [20_000, 30_000, 40_000], endMs: 50_000, unitMs: 10_000 });
  });

  it('are left out where they are not over', () => {
    const rule = { stepMs: 10_000, timeZone: 'UTC' };
    const bounds = { fromMs: 20_000, toMs: 50_000, maxBuckets: 10, maxUnits: 10 };
    const at = (completeAtMs: number) => bucketGrid(rule, { ...bounds, completeAtMs });
    expect(at(40_000)).toMatchObject({ ok: true, value: { starts: [20_000, 30_000], endMs: 40_000 } });
    expect(at(39_999)).toMatchObject({ ok: true, value: { starts: [20_000], endMs: 30_000 } });
  });

  it('are bounded', () => {
    const bounds = { fromMs: 0, toMs: 100, completeAtMs: 100, maxUnits: 1000 };
    expect(bucketGrid({ stepMs: 10, timeZone: 'UTC' }, { ...bounds, maxBuckets: 10 })).toMatchObject({ ok: true });
    expect(bucketGrid({ stepMs: 10, timeZone: 'UTC' }, { ...bounds, maxBuckets: 9 })).toMatchObject({ ok: false });
  });
});

describe('buckets of a time zone', () => {
  const berlin = (stepMs: number) => ({ stepMs, timeZone: 'Europe/Berlin' });

  it('are days from local midnight on, of 23 and 25 hours where the clock is changed', () => {
    const spring = gridOf(berlin(dayMs), utc('2026-03-28T12:00:00'), utc('2026-03-30T12:00:00'));
    expect(spring.starts).toEqual([utc('2026-03-27T23:00:00'), utc('2026-03-28T23:00:00'), utc('2026-03-29T22:00:00')]);
    expect(spring.unitMs).toBe(hourMs);
    const autumn = gridOf(berlin(dayMs), utc('2026-10-25T12:00:00'), utc('2026-10-25T13:00:00'));
    expect(autumn).toEqual({ starts: [utc('2026-10-24T22:00:00')], endMs: utc('2026-10-25T23:00:00'), unitMs: hourMs });
  });

  it('count from midnight, and the last of a day ends with it', () => {
    const spring = gridOf(berlin(6 * hourMs), utc('2026-03-28T23:00:00'), utc('2026-03-29T22:00:00'));
    expect(spring.starts.map((ms) => (ms - utc('2026-03-28T23:00:00')) / hourMs)).toEqual([0, 6, 12, 18]);
    expect(spring.endMs).toBe(utc('2026-03-29T22:00:00'));
  });

  it('have units that fit the zone: 45 minutes beside the hour, too', () => {
    const kathmandu = gridOf({ stepMs: dayMs, timeZone: 'Asia/Kathmandu' }, utc('2026-06-24T00:00:00'), utc('2026-06-24T01:00:00'));
    expect(kathmandu).toEqual({ starts: [utc('2026-06-23T18:15:00')], endMs: utc('2026-06-24T18:15:00'), unitMs: hourMs / 4 });
  });
});

it('leaves no gap, holds every moment of the window, and is the same wherever the window begins', () => {
  const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'];
  const steps = [60_000, hourMs / 2, hourMs, 6 * hourMs, dayMs, 7 * dayMs];
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom(...steps),
      fc.integer({ min: utc('1975-01-01T00:00:00'), max: utc('2037-01-01T00:00:00') }),
      fc.integer({ min: 1, max: 50 }),
      (timeZone, stepMs, fromMs, length) => {
        const rule = { stepMs, timeZone };
        const toMs = fromMs + length * stepMs;
        const { starts, endMs, unitMs } = gridOf(rule, fromMs, toMs);
        expect(starts[0]).toBeLessThanOrEqual(fromMs);
        expect(endMs).toBeGreaterThanOrEqual(toMs);
        for (const [index, startMs] of starts.entries()) {
          const end = starts[index + 1] ?? endMs;
          expect(bucketAt(startMs, rule)).toEqual({ startMs, endMs: end });
          expect(bucketAt(end - 1, rule)).toEqual({ startMs, endMs: end });
          expect([startMs % unitMs, end % unitMs]).toEqual([0, 0]);
        }
      },
    ),
    { numRuns: 60 },
  );
});
