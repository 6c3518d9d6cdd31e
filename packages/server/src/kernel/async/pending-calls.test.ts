import { expect, test } from 'vitest';
import { AppError } from '../errors/app-error.ts';
import { PendingCalls } from './pending-calls.ts';

const gone = new AppError('metadataUnavailable', 'gone');

test('each question gets its own answer, in whatever order they come', async () => {
  const calls = new PendingCalls<string>();
  const [first, second, third] = [calls.begin(), calls.begin(), calls.begin()];
  calls.answer(second.id, 'second');
  calls.fail(third.id, new AppError('overloaded', 'full'));
  calls.answer(first.id, 'first');
  calls.answer(first.id, 'again');
  calls.answer(99, 'unknown');
  expect(await Promise.all([first.answer, second.answer])).toEqual(['first', 'second']);
  await expect(third.answer).rejects.toMatchObject({ code: 'overloaded' });
});

test('the end rejects what waits and what comes, with its first reason', async () => {
  const calls = new PendingCalls<string>();
  const { answer } = calls.begin();
  expect(calls.hasEnded).toBe(false);
  calls.end(gone);
  calls.end(new AppError('overloaded', 'later'));
  await expect(answer).rejects.toBe(gone);
  expect(calls.hasEnded).toBe(true);
  expect(() => calls.begin()).toThrow(gone);
});
