import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Semaphore } from './semaphore.ts';

test('admits as many as it has permits, in order of arrival', async () => {
  const semaphore = new Semaphore({ permits: 2, maxWaiting: 10 });
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  await Promise.all(
    [1, 2, 3, 4, 5].map(async (id) => {
      using _permit = await semaphore.acquire();
      order.push(id);
      inside += 1;
      most = Math.max(most, inside);
      await setImmediate();
      inside -= 1;
    }),
  );
  expect(order).toEqual([1, 2, 3, 4, 5]);
  expect(most).toBe(2);
});

test('an aborted waiter leaves the line without taking a permit', async () => {
  const semaphore = new Semaphore({ permits: 1, maxWaiting: 10 });
  const held = await semaphore.acquire();
  const controller = new AbortController();
  const given = semaphore.acquire(controller.signal);
  const patient = semaphore.acquire();
  const reason = new Error('given up');
  controller.abort(reason);
  await expect(given).rejects.toBe(reason);
  expect(semaphore.waiting).toBe(1);
  held[Symbol.dispose]();
  held[Symbol.dispose]();
  (await patient)[Symbol.dispose]();
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('refuses whoever comes over the bound', async () => {
  const semaphore = new Semaphore({ permits: 1, maxWaiting: 1 });
  const held = await semaphore.acquire();
  const waiting = semaphore.acquire();
  await expect(semaphore.acquire()).rejects.toMatchObject({ code: 'overloaded' });
  held[Symbol.dispose]();
  await waiting;
});
