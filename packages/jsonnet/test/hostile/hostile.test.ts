import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile.ts';
import { JsonnetError } from '../../src/jsonnet-error.ts';
import type { Limits } from '../../src/limits.ts';
import { charges } from './charges.ts';
import { hostilePrograms } from './hostile-programs.ts';
import { runHostile } from './run-hostile.ts';

describe('a budget ends', () => {
  test('at least 60 programs', () => {
    process.stdout.write(`jsonnet hostile: ${hostilePrograms.length} programs, ${charges.length} charges\n`);
    expect(hostilePrograms.length).toBeGreaterThanOrEqual(60);
  });

  test.each(hostilePrograms)('$title', ({ code, error }) => {
    expect(runHostile(code)).toEqual({ kind: 'budget', message: error });
  });
});

/** Steps that are just enough for the program. */
function stepsFor(code: string): number {
  const program = compile(code);
  const isEnough = (steps: number): boolean => {
    const limits: Partial<Limits> = { steps, frames: 500, length: 10_000_000, outputBytes: 100_000_000 };
    try {
      program.toJson({}, limits);
      return true;
    } catch (error) {
      if (error instanceof JsonnetError && error.message === 'max steps exceeded.') return false;
      throw error;
    }
  };
  let [low, high] = [0, 8_000_000];
  expect(isEnough(high), 'enough for the size that is measured').toBe(true);
  while (high - low > Math.max(1, high / 1000)) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

describe('work costs steps', () => {
  test.each(charges)('$title', ({ code, withoutWork, size, unit }) => {
    const growth = (program: (size: number) => string): number => stepsFor(program(2 * size)) - stepsFor(program(size));
    const least = unit === 'characters' ? size / 64 : size / 4;
    expect(growth(code) - growth(withoutWork), `steps for ${size} more ${unit}`).toBeGreaterThanOrEqual(0.9 * least);
  });
});
