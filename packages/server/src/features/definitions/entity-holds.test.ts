import { describe, expect, it } from 'vitest';
import { TestClock } from '../../../test/support/test-clock.ts';
import { EntityHolds } from './entity-holds.ts';

function setUp() {
  const timers: { readonly delayMs: number; readonly fire: () => void }[] = [];
  const clock = new TestClock();
  const holds = new EntityHolds({
    clock,
    startTimer: (delayMs, fire) => {
      const timer = { delayMs, fire };
      timers.push(timer);
      return () => timers.splice(timers.indexOf(timer), 1);
    },
  });
  return { holds, clock, timers };
}

describe('entity holds', () => {
  it('gives an entity to one operation after the other, in order, and others at once', async () => {
    const { holds, timers } = setUp();
    const order: string[] = [];
    const release = await holds.acquire('a', 'first');
    const second = holds.acquire('a', 'second').then((end) => {
      order.push(holds.operationOn('a')?.type ?? '');
      end();
    });
    const third = holds.acquire('a', 'third').then((end) => {
      order.push(holds.operationOn('a')?.type ?? '');
      end();
    });
    (await holds.acquire('b', 'other'))();
    expect(holds.operationOn('a')).toMatchObject({ type: 'first', isRunning: true });
    release();
    expect(holds.operationOn('a')?.isRunning).toBe(true);
    await Promise.all([second, third]);
    expect(order).toEqual(['second', 'third']);
    expect(holds.operationOn('a')).toMatchObject({ type: 'third', isRunning: false });
    // The timers of those that waited are gone.
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([500, 500]);
  });

  it('gives up after 30 s, and leaves the place to the next', async () => {
    const { holds, timers } = setUp();
    const release = await holds.acquire('a', 'first');
    const impatient = holds.acquire('a', 'second');
    const patient = holds.acquire('a', 'third');
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([30_000, 30_000]);
    timers[0]?.fire();
    const message = 'Another operation on "a" is still in progress.';
    await expect(impatient).rejects.toMatchObject({ code: 'operationInProgress', message });
    release();
    (await patient)();
    expect(holds.operationOn('a')).toMatchObject({ type: 'third', isRunning: false });
  });

  it('lets 500 wait', async () => {
    const { holds } = setUp();
    const release = await holds.acquire('a', 'first');
    const waiting = Array.from({ length: 500 }, () => holds.acquire('a', 'next').then((end) => end()));
    await expect(holds.acquire('a', 'late')).rejects.toMatchObject({ code: 'overloaded' });
    release();
    await Promise.all(waiting);
    (await holds.acquire('a', 'later'))();
  });

  it('shows a finished operation for half a second from its start, unless another begins', async () => {
    const { holds, clock, timers } = setUp();
    const release = await holds.acquire('a', 'first');
    clock.advance(120);
    release();
    expect(timers.map(({ delayMs }) => delayMs)).toEqual([380]);
    const end = await holds.acquire('a', 'second');
    timers[0]?.fire();
    expect(holds.operationOn('a')).toMatchObject({ type: 'second', isRunning: true });
    clock.advance(500);
    end();
    expect(holds.operationOn('a')).toBeUndefined();
  });
});
