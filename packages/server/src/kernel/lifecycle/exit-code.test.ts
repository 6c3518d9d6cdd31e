import { expect, test } from 'vitest';
import { AppError } from '../errors/app-error.ts';
import { exitCodeOf } from './exit-code.ts';

test.each([
  ['configInvalid', 64],
  ['portUnavailable', 69],
  ['folderInUse', 69],
  ['folderUnusable', 69],
  ['metadataUnavailable', 75],
  ['importRejected', 1],
  ['invariantBroken', 1],
] as const)('%s ends the process with %d', (code, exitCode) => {
  expect(exitCodeOf(new AppError(code, 'Something.'))).toBe(exitCode);
});

test('an unknown error is a failure', () => {
  expect(exitCodeOf(new Error('surprise'))).toBe(1);
  expect(exitCodeOf('surprise')).toBe(1);
});
