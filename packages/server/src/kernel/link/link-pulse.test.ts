import { expect, test } from 'vitest';
import { ManualTimers } from '../../../test/support/manual-timers.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { LinkPulse } from './link-pulse.ts';

const openPulse = () => {
  const timers = new ManualTimers(new TestClock());
  const calls = { pings: 0, ends: 0 };
  const pulse = new LinkPulse({
    startTimer: timers.start,
    ping: () => {
      calls.pings += 1;
    },
    onSilent: () => {
      calls.ends += 1;
    },
  });
  pulse.start();
  return { timers, calls, pulse };
};

test('the other side is silent 15 s after the first ping without an answer, and told so once', () => {
  const { timers, calls } = openPulse();
  timers.advance(19_999);
  expect(calls).toEqual({ pings: 3, ends: 0 });
  timers.advance(1);
  expect(calls).toEqual({ pings: 3, ends: 1 });
  timers.advance(600_000);
  expect([calls, timers.pending]).toEqual([{ pings: 3, ends: 1 }, 0]);
});

test('a sign of life begins the patience anew', () => {
  const { timers, calls, pulse } = openPulse();
  for (let round = 0; round < 10; round += 1) {
    timers.advance(15_000);
    pulse.heard();
  }
  expect(calls).toEqual({ pings: 30, ends: 0 });
  pulse.stop();
  timers.advance(600_000);
  expect([calls, timers.pending]).toEqual([{ pings: 30, ends: 0 }, 0]);
});
