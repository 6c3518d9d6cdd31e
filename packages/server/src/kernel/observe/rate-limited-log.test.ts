import { expect, test } from 'vitest';
import type { LogFields, Logger } from './logger.ts';
import { RateLimitedLog } from './rate-limited-log.ts';

function recorded(linesPerMinute: number) {
  const lines: [LogFields, string][] = [];
  const timers: { delayMs: number; fire: () => void }[] = [];
  const unexpected = () => expect.unreachable();
  const logger: Logger = {
    debug: unexpected,
    info: unexpected,
    error: unexpected,
    warn: (fields, message) => lines.push([fields, message]),
    child: unexpected,
  };
  const startTimer = (delayMs: number, fire: () => void) => {
    timers.push({ delayMs, fire });
    return () => {};
  };
  return { log: new RateLimitedLog({ logger, linesPerMinute, startTimer }), lines, timers };
}

test('writes so many lines of a key a minute, then their count', () => {
  const { log, lines, timers } = recorded(2);
  for (let line = 1; line <= 5; line += 1) log.warn({ key: 'a', fields: { line }, message: 'refused' });
  log.warn({ key: 'b', fields: {}, message: 'other' });
  expect(lines).toEqual([
    [{ line: 1 }, 'refused'],
    [{ line: 2 }, 'refused'],
    [{}, 'other'],
  ]);
  expect(timers.map(({ delayMs }) => delayMs)).toEqual([60_000]);
  lines.length = 0;
  timers[0]?.fire();
  expect(lines).toEqual([[{ key: 'a', suppressed: 3, like: 'refused' }, 'similar lines suppressed']]);
  log.warn({ key: 'a', fields: { line: 6 }, message: 'refused' });
  expect(lines.at(-1)).toEqual([{ line: 6 }, 'refused']);
  expect(timers).toHaveLength(2);
});

test('keys without end share a budget', () => {
  const { log, lines } = recorded(1);
  for (let key = 0; key < 5000; key += 1) log.warn({ key: `key ${key}`, fields: {}, message: 'refused' });
  expect(lines).toHaveLength(1001);
});
