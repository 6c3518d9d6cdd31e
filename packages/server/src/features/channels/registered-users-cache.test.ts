import { expect, it } from 'vitest';
import { MemoryUsage, MemoryUsageStore } from '../../../test/support/memory-usage-store.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { MetricRegistry } from '../../kernel/observe/metrics.ts';
import { RegisteredUsersCache } from './registered-users-cache.ts';
import { createUsageMeter, usageMetricTable } from './usage-metrics.ts';

const never = new AbortController().signal;

function bench(maxUsers = 10) {
  const clock = new TestClock();
  const usage = new MemoryUsage();
  const store = { step: () => Promise.resolve() };
  const metrics = new MetricRegistry();
  const cache = new RegisteredUsersCache({
    store: new MemoryUsageStore({ usage, step: () => store.step() }),
    ...{ clock, maxUsers, meter: createUsageMeter(metrics.declare(usageMetricTable)) },
  });
  const asked = () => usage.calls.filter((call) => call === 'findUser').length;
  const add = (user: string) => usage.users.set(user, { user, registeredAtMs: 0 });
  return { clock, usage, store, cache, asked, add, metrics };
}

it('asks for a user once a minute, and for one that is not there once a second', async () => {
  const { clock, cache, asked, add } = bench();
  add('user-1');
  const ask = async (user: string) => [await cache.isRegistered(user, never), asked()];
  expect(await ask('user-1')).toEqual([true, 1]);
  clock.advance(59_999);
  expect(await ask('user-1')).toEqual([true, 1]);
  clock.advance(1);
  expect(await ask('user-1')).toEqual([true, 2]);
  expect(await ask('user-2')).toEqual([false, 3]);
  clock.advance(999);
  expect(await ask('user-2')).toEqual([false, 3]);
  add('user-2');
  clock.advance(1);
  expect(await ask('user-2')).toEqual([true, 4]);
});

it('asks nobody for what is no id', async () => {
  const { cache, asked } = bench();
  for (const user of ['', 'a b', 'a\0b', '\ud800', 'x'.repeat(5000)]) expect(await cache.isRegistered(user, never)).toBe(false);
  expect(asked()).toBe(0);
});

it('knows at once whom it has registered or removed itself', async () => {
  const { cache, asked } = bench();
  expect(await cache.isRegistered('user-1', never)).toBe(false);
  expect(await cache.register({ user: 'user-1', registeredAtMs: 1 }, never)).toBe(true);
  expect(await cache.register({ user: 'user-1', registeredAtMs: 2 }, never)).toBe(false);
  expect(await cache.isRegistered('user-1', never)).toBe(true);
  expect(await cache.remove('user-1', never)).toBe(true);
  expect(await cache.remove('user-1', never)).toBe(false);
  expect(await cache.isRegistered('user-1', never)).toBe(false);
  expect(asked()).toBe(1);
});

it('lets those pass that it knows while the store is away, however long, and nobody else', async () => {
  const { clock, store, cache, add, metrics } = bench();
  add('user-1');
  expect(await cache.isRegistered('user-1', never)).toBe(true);
  expect(await cache.isRegistered('user-2', never)).toBe(false);
  store.step = () => Promise.reject(new AppError('usageUnavailable', 'away'));
  clock.advance(24 * 3_600_000);
  expect(await cache.isRegistered('user-1', never)).toBe(true);
  for (const user of ['user-2', 'user-3'])
    await expect(cache.isRegistered(user, never)).rejects.toMatchObject({ code: 'usageUnavailable' });
  const text = await metrics.text();
  for (const line of ['{answer="asked"} 2', '{answer="stale"} 1', '{answer="failed"} 2'])
    expect(text).toContain(`sluice_channels_user_lookups_total${line}`);
});

it('forgets who was not asked for the longest', async () => {
  const { cache, asked, add } = bench(2);
  for (const user of ['a', 'b', 'c']) add(user);
  for (const user of ['a', 'b', 'a', 'c', 'a']) await cache.isRegistered(user, never);
  expect(asked()).toBe(3);
  await cache.isRegistered('b', never);
  expect(asked()).toBe(4);
});

it('asks once for many at once, and lets go of one who does not wait any more', async () => {
  const { store, cache, asked, add } = bench();
  add('user-1');
  const { promise, resolve } = Promise.withResolvers<void>();
  store.step = () => promise;
  const gone = new AbortController();
  const waiting = [cache.isRegistered('user-1', never), cache.isRegistered('user-1', never)];
  const leaving = cache.isRegistered('user-1', gone.signal);
  gone.abort(new Error('gone'));
  await expect(leaving).rejects.toThrow('gone');
  resolve();
  expect(await Promise.all(waiting)).toEqual([true, true]);
  expect(asked()).toBe(1);
});
