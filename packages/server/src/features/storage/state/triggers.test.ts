import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { zeroFigures } from './figures.ts';
import { judgeFile, judgeSlice, type RotationVerdict } from './triggers.ts';

const upload = { minIntervalMs: 10, intervalMs: 30, count: 100, bytes: 1000 };
const imports = { minIntervalMs: 60, intervalMs: 300, count: 100, bytes: 1000, slices: 5, maxSlices: 8 };
const figures = (goodRows: number, compressedBytes = 0, damagedRows = 0) => ({ ...zeroFigures, goodRows, compressedBytes, damagedRows });

describe('a slice', () => {
  const cases: readonly (readonly [string, ReturnType<typeof figures>, number, RotationVerdict])[] = [
    ['empty: waits for rows, whatever its age', figures(0), 1e9, { wait: true }],
    ['too young, whatever it holds', figures(1e6, 1e6), 9, { lookAtAgeMs: 10 }],
    ['old enough and full by count', figures(100), 10, { rotate: 'count' }],
    ['one row under the count', figures(99), 10, { lookAtAgeMs: 30 }],
    ['full by size', figures(1, 1000), 10, { rotate: 'size' }],
    ['one byte under the size', figures(1, 999), 10, { lookAtAgeMs: 30 }],
    ['count before size', figures(100, 1000), 30, { rotate: 'count' }],
    ['old', figures(1), 30, { rotate: 'time' }],
    ['almost old', figures(1), 29.9, { lookAtAgeMs: 30 }],
    ['nothing but damage, old', figures(0, 0, 1), 30, { rotate: 'time' }],
  ];
  test.each(cases)('%s', (_, rows, ageMs, verdict) => {
    expect(judgeSlice(rows, ageMs, upload)).toEqual(verdict);
  });
});

describe('a file', () => {
  const cases: readonly (readonly [string, { figures: ReturnType<typeof figures>; slices: number }, number, RotationVerdict])[] = [
    ['too many slices, whatever its age', { figures: figures(0), slices: 8 }, 0, { rotate: 'maxSlices' }],
    ['too young, whatever it holds', { figures: figures(1e6, 1e6), slices: 7 }, 59, { lookAtAgeMs: 60 }],
    ['too young and empty', { figures: figures(0), slices: 1 }, 0, { lookAtAgeMs: 60 }],
    ['empty: waits for rows, whatever its age', { figures: figures(0), slices: 5 }, 1e9, { wait: true }],
    ['enough slices', { figures: figures(1), slices: 5 }, 60, { rotate: 'sliceCount' }],
    ['one slice under', { figures: figures(1), slices: 4 }, 60, { lookAtAgeMs: 300 }],
    ['full by count', { figures: figures(100), slices: 1 }, 60, { rotate: 'count' }],
    ['full by size', { figures: figures(1, 1000), slices: 1 }, 60, { rotate: 'size' }],
    ['old', { figures: figures(1), slices: 1 }, 300, { rotate: 'time' }],
    ['nothing but damage, old', { figures: figures(0, 0, 1), slices: 1 }, 300, { rotate: 'time' }],
  ];
  test.each(cases)('%s', (_, file, ageMs, verdict) => {
    expect(judgeFile(file, ageMs, imports)).toEqual(verdict);
  });
});

test('a look is always announced for an age that is still to come, so no loop is busy', () => {
  const count = fc.integer({ min: 0, max: 200 });
  fc.assert(
    fc.property(
      count,
      count,
      fc.integer({ min: 1, max: 10 }),
      fc.double({ min: 0, max: 500, noNaN: true }),
      (rows, bytes, slices, ageMs) => {
        for (const verdict of [
          judgeSlice(figures(rows, bytes * 10), ageMs, upload),
          judgeFile({ figures: figures(rows, bytes), slices }, ageMs, imports),
        ]) {
          if ('lookAtAgeMs' in verdict) expect(verdict.lookAtAgeMs).toBeGreaterThan(ageMs);
        }
      },
    ),
  );
});
