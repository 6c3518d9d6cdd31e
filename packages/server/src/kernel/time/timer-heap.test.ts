import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimerHeap } from './timer-heap.ts';

/** One timer at a time on a clock that only `advanceTo` moves. */
function manualTime() {
  const time = {
    now: 0,
    timer: undefined as { at: number; fire: () => void } | undefined,
    clock: { now: () => time.now, monotonic: () => time.now },
    startTimer: (delayMs: number, fire: () => void) => {
      expect(time.timer).toBeUndefined();
      const timer = { at: time.now + delayMs, fire };
      time.timer = timer;
      return () => {
        if (time.timer === timer) time.timer = undefined;
      };
    },
    advanceTo(target: number) {
      for (let { timer } = time; timer && timer.at <= target; { timer } = time) {
        time.now = timer.at;
        time.timer = undefined;
        timer.fire();
      }
      time.now = target;
    },
  };
  return time;
}

test('fires each key once, at its newest due time, in order', () => {
  const action = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    kind: fc.constantFrom('set' as const, 'set' as const, 'cancel' as const),
    delay: fc.integer({ min: 0, max: 50 }),
    step: fc.integer({ min: 0, max: 10 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const time = manualTime();
      using heap = new TimerHeap(time);
      const model = new Map<string, number>();
      const fired: { key: string; dueAt: number; at: number }[] = [];
      const expected: { key: string; dueAt: number; at: number }[] = [];
      const advance = (target: number) => {
        time.advanceTo(target);
        for (const [key, dueAt] of model) {
          if (dueAt > target) continue;
          expected.push({ key, dueAt, at: dueAt });
          model.delete(key);
        }
      };
      for (const { key, kind, delay, step } of actions) {
        const dueAt = time.now + delay;
        if (kind === 'set') {
          heap.set(key, dueAt, () => fired.push({ key, dueAt, at: time.now }));
          model.set(key, dueAt);
        } else {
          expect(heap.cancel(key)).toBe(model.delete(key));
        }
        advance(time.now + step);
        expect(heap.size).toBe(model.size);
      }
      advance(time.now + 100);
      const byKey = (list: typeof fired) => list.toSorted((one, other) => one.dueAt - other.dueAt || one.key.localeCompare(other.key));
      expect(byKey(fired)).toEqual(byKey(expected));
      expect(fired.map(({ dueAt }) => dueAt)).toEqual(fired.map(({ dueAt }) => dueAt).toSorted((one, other) => one - other));
      expect(time.timer).toBeUndefined();
    }),
  );
});

test('a timer that fires early fires nothing and is armed again', () => {
  const time = manualTime();
  using heap = new TimerHeap(time);
  const fired: string[] = [];
  heap.set('a', 100, () => fired.push('a'));
  time.now = 99;
  const { timer } = time;
  time.timer = undefined;
  timer?.fire();
  expect(fired).toEqual([]);
  time.advanceTo(100);
  expect(fired).toEqual(['a']);
});

test('a callback that throws does not stop the others', () => {
  const time = manualTime();
  using heap = new TimerHeap(time);
  const fired: string[] = [];
  heap.set('bad', 10, () => {
    throw new Error('bad');
  });
  heap.set('good', 10, () => fired.push('good'));
  expect(() => time.advanceTo(10)).toThrow('bad');
  time.advanceTo(10);
  expect(fired).toEqual(['good']);
});

test('a callback may set its own key again', () => {
  const time = manualTime();
  using heap = new TimerHeap(time);
  const fired: number[] = [];
  const again = () => {
    fired.push(time.now);
    heap.set('tick', time.now + 10, again);
  };
  heap.set('tick', 10, again);
  time.advanceTo(35);
  expect(fired).toEqual([10, 20, 30]);
});
