import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KeyedJobs } from './keyed-jobs.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
};
const noError = (_: string, error: unknown): never => {
  throw error;
};

test('a key is worked on once for any number of requests, and once more for those that come meanwhile', async () => {
  const gates: PromiseWithResolvers<void>[] = [];
  await using jobs = new KeyedJobs({
    concurrency: 2,
    work: async () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
      return undefined;
    },
    onError: noError,
  });
  for (let request = 0; request < 5; request += 1) jobs.request('a');
  await turns();
  expect(gates.length).toBe(1);
  for (let request = 0; request < 5; request += 1) jobs.request('a');
  await turns();
  expect(gates.length, 'never twice at once').toBe(1);
  gates[0]?.resolve();
  await turns();
  expect(gates.length).toBe(2);
  gates[1]?.resolve();
  await turns();
  expect(gates.length).toBe(2);
});

test('no more keys at once than allowed, and all get their turn', async () => {
  let running = 0;
  let most = 0;
  const done: string[] = [];
  await using jobs = new KeyedJobs({
    concurrency: 3,
    work: async (key) => {
      running += 1;
      most = Math.max(most, running);
      await turns(5);
      running -= 1;
      done.push(key);
      return undefined;
    },
    onError: noError,
  });
  const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`);
  for (const key of keys) jobs.request(key);
  await turns(200);
  expect(done).toHaveLength(keys.length);
  expect(new Set(done)).toEqual(new Set(keys));
  expect(most).toBe(3);
});

test('looks again when the work said so, sooner when asked, and not at all when it said nothing', async () => {
  const looks: number[] = [];
  const answers: (number | undefined)[] = [100, 100, undefined];
  await using jobs = new KeyedJobs({
    concurrency: 1,
    work: async () => {
      looks.push(performance.now());
      return answers.shift();
    },
    onError: noError,
  });
  const start = performance.now();
  jobs.request('a');
  await vi.advanceTimersByTimeAsync(99);
  expect(looks.map((at) => at - start)).toEqual([0]);
  await vi.advanceTimersByTimeAsync(1);
  expect(looks.map((at) => at - start)).toEqual([0, 100]);
  await vi.advanceTimersByTimeAsync(50);
  jobs.request('a');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(looks.map((at) => at - start)).toEqual([0, 100, 150]);
});

test('a failure is told, and looked at again in a second', async () => {
  const errors: string[] = [];
  let works = 0;
  await using jobs = new KeyedJobs({
    concurrency: 1,
    work: async () => {
      works += 1;
      if (works === 1) throw new Error('broken');
      return undefined;
    },
    onError: (key, error) => errors.push(`${key}: ${String(error)}`),
  });
  jobs.request('a');
  await vi.advanceTimersByTimeAsync(999);
  expect([works, errors]).toEqual([1, ['a: Error: broken']]);
  await vi.advanceTimersByTimeAsync(1);
  expect([works, errors.length]).toEqual([2, 1]);
});

test('disposal tells the work in progress, waits for it, and begins nothing more', async () => {
  const log: string[] = [];
  const jobs = new KeyedJobs({
    concurrency: 1,
    work: async (key, signal) => {
      log.push(`begin ${key}`);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await turns();
      log.push(`end ${key}`);
      return 1;
    },
    onError: noError,
  });
  jobs.request('a');
  jobs.request('b');
  await turns();
  jobs.request('a');
  await jobs[Symbol.asyncDispose]();
  log.push('disposed');
  jobs.request('c');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(log).toEqual(['begin a', 'end a', 'disposed']);
});

test('however requests fall, the last one is always followed by a look', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(6)), { maxLength: 30 }),
      fc.integer({ min: 1, max: 3 }),
      async (requests, concurrency) => {
        const seen = new Map<string, number>();
        const state = new Map<string, number>();
        const active = new Set<string>();
        await using jobs = new KeyedJobs({
          concurrency,
          work: async (key) => {
            expect(active.has(key)).toBe(false);
            active.add(key);
            seen.set(key, state.get(key) ?? 0);
            await turns(3);
            active.delete(key);
            return undefined;
          },
          onError: noError,
        });
        for (const [key, pause] of requests) {
          state.set(key, (state.get(key) ?? 0) + 1);
          jobs.request(key);
          await turns(pause);
        }
        await turns(100);
        expect(seen).toEqual(state);
      },
    ),
  );
});
