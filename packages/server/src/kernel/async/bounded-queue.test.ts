import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedQueue, type BoundedQueueOptions } from './bounded-queue.ts';

function textQueue(whenFull: BoundedQueueOptions<string>['whenFull'], bounds = { maxItems: 2, maxBytes: 10 }) {
  return new BoundedQueue<string>({ ...bounds, whenFull, bytesOf: (text) => text.length });
}

test('refuse: what does not fit by items or bytes stays out and is counted', async () => {
  const queue = textQueue('refuse');
  expect([queue.offer('a'), queue.offer('0123456789'), await queue.push('b'), queue.offer('c')]).toEqual([true, false, true, false]);
  expect(queue).toMatchObject({ depth: 2, bytes: 2, drops: 0, refusals: 2 });
});

test('drop-oldest: the newest stay', async () => {
  const queue = textQueue('drop-oldest');
  for (const text of ['a', 'b', '01234567', '012']) queue.offer(text);
  expect(queue).toMatchObject({ depth: 1, bytes: 3, drops: 3 });
  expect(queue.offer('01234567890')).toBe(false);
  await expect(queue.take()).resolves.toBe('012');
});

test('wait: producers get in by order of arrival, an aborted one leaves', async () => {
  const queue = textQueue('wait');
  queue.offer('a');
  queue.offer('b');
  const controller = new AbortController();
  const aborted = queue.push('lost', controller.signal);
  const third = queue.push('c');
  expect(queue.offer('overtaking')).toBe(false);
  controller.abort();
  await expect(aborted).resolves.toBe(false);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  await expect(queue.take()).resolves.toBe('a');
  await expect(third).resolves.toBe(true);
  queue.close();
  expect(await Array.fromAsync(queue)).toEqual(['b', 'c']);
});

test('closing ends waiting producers and consumers', async () => {
  const full = textQueue('wait', { maxItems: 1, maxBytes: 10 });
  full.offer('a');
  const producer = full.push('b');
  const empty = textQueue('wait');
  const consumer = empty.take();
  const iteration = Array.fromAsync(empty);
  full.close();
  empty.close();
  await expect(producer).resolves.toBe(false);
  await expect(consumer).resolves.toBeUndefined();
  await expect(iteration).resolves.toEqual([]);
  expect(full.offer('c')).toBe(false);
  await expect(full.take()).resolves.toBe('a');
  await expect(full.take()).resolves.toBeUndefined();
});

test('a taker that aborts takes nothing', async () => {
  const queue = textQueue('refuse');
  const controller = new AbortController();
  const taken = queue.take(controller.signal);
  controller.abort();
  await expect(taken).resolves.toBeUndefined();
  queue.offer('a');
  await expect(queue.take()).resolves.toBe('a');
});

test('behaves as a plain list with bounds', async () => {
  const step = fc.oneof(fc.constant('take' as const), fc.integer({ min: 0, max: 6 }));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('refuse' as const, 'drop-oldest' as const),
      fc.array(step, { maxLength: 80 }),
      async (whenFull, steps) => {
        const queue = new BoundedQueue<{ id: number; bytes: number }>({
          maxItems: 4,
          maxBytes: 5,
          whenFull,
          bytesOf: ({ bytes }) => bytes,
        });
        let model: { id: number; bytes: number }[] = [];
        const total = () => model.reduce((sum, { bytes }) => sum + bytes, 0);
        for (const [id, bytes] of steps.entries()) {
          if (bytes === 'take') {
            if (model.length > 0) expect(await queue.take()).toEqual(model.shift());
          } else {
            const full = () => model.length >= 4 || total() + bytes > 5;
            if (whenFull === 'drop-oldest' && bytes <= 5) while (full()) model = model.slice(1);
            const fits = !full();
            expect(queue.offer({ id, bytes })).toBe(fits);
            if (fits) model.push({ id, bytes });
          }
          expect([queue.depth, queue.bytes]).toEqual([model.length, total()]);
        }
      },
    ),
  );
});
