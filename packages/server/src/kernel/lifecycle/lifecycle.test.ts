import { expect, test, vi } from 'vitest';
import { AppError } from '../errors/app-error.ts';
import type { Logger } from '../observe/logger.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Part } from './part.ts';

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** A lifecycle that writes what happens into `log`. */
function recorded(deadlineMs = 30_000) {
  const log: string[] = [];
  const errors: string[] = [];
  const logger: Logger = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: ({ part, phase }, message) => errors.push([part, phase, message].filter(Boolean).join(' ')),
    child: () => logger,
  };
  const lifecycle = new Lifecycle({ logger, deadlineMs, markNotReady: () => log.push('not ready') });
  const part = (name: string, overrides: Partial<Part> = {}): Part => ({
    name,
    run: async (signal) => {
      await untilAborted(signal);
      log.push(`stop ${name}`);
    },
    stopAccepting: async () => void log.push(`close ${name}`),
    drain: async () => void log.push(`drain ${name}`),
    ...overrides,
  });
  const resource = (name: string, dispose = async () => {}): AsyncDisposable => ({
    [Symbol.asyncDispose]: async () => {
      log.push(`dispose ${name}`);
      await dispose();
    },
  });
  const stop = new AbortController();
  return { lifecycle, log, errors, part, resource, stop };
}

test('stops in phases, each from the outside in', async () => {
  const { lifecycle, log, part, resource, stop } = recorded();
  lifecycle.use('store', resource('store'));
  lifecycle.use('volume', resource('volume'));
  lifecycle.add(part('writer'));
  lifecycle.add(part('source'));
  const code = lifecycle.run(stop.signal);
  stop.abort();
  await expect(code).resolves.toBe(0);
  expect(log).toEqual([
    'not ready',
    'close source',
    'close writer',
    'drain source',
    'drain writer',
    'stop source',
    'stop writer',
    'dispose volume',
    'dispose store',
  ]);
});

test('failing steps are logged and skip nothing', async () => {
  const { lifecycle, log, errors, part, resource, stop } = recorded();
  const refuse = async () => {
    throw new AppError('diskFull', 'No room.');
  };
  lifecycle.use('store', resource('store'));
  lifecycle.use('volume', resource('volume', refuse));
  lifecycle.add(part('writer'));
  lifecycle.add(part('source', { stopAccepting: refuse, drain: refuse, run: (signal) => untilAborted(signal).then(refuse) }));
  const code = lifecycle.run(stop.signal);
  stop.abort();
  await expect(code).resolves.toBe(1);
  expect(log).toEqual(['not ready', 'close writer', 'drain writer', 'stop writer', 'dispose volume', 'dispose store']);
  expect(errors).toEqual([
    'source stop accepting shutdown step failed',
    'source drain shutdown step failed',
    'source part failed',
    'volume dispose shutdown step failed',
  ]);
});

test('a part that fails stops the process with the code of its error', async () => {
  const { lifecycle, log, part, stop } = recorded();
  lifecycle.add(part('writer'));
  lifecycle.add(
    part('source', {
      run: () => Promise.reject(new AppError('metadataUnavailable', 'No answer.')),
      drain: () => Promise.reject(new Error('later trouble')),
    }),
  );
  await expect(lifecycle.run(stop.signal)).resolves.toBe(75);
  expect(log).toContain('stop writer');
});

test('a part that ends by itself is a failure', async () => {
  const { lifecycle, log, errors, part, stop } = recorded();
  lifecycle.add(part('writer'));
  lifecycle.add(part('source', { run: async () => {} }));
  await expect(lifecycle.run(stop.signal)).resolves.toBe(1);
  expect(errors).toEqual(['source part ended early']);
  expect(log).toContain('drain writer');
});

test('rejecting with the reason of the stop is a clean end', async () => {
  const { lifecycle, part, stop } = recorded();
  lifecycle.add(part('source', { run: (signal) => untilAborted(signal).then(() => signal.throwIfAborted()) }));
  const code = lifecycle.run(stop.signal);
  stop.abort();
  await expect(code).resolves.toBe(0);
});

test('what hangs is left behind, within the deadline, and the rest still gets its turn', async () => {
  vi.useFakeTimers();
  try {
    const { lifecycle, log, errors, part, resource, stop } = recorded(10_000);
    const never = () => new Promise<never>(() => {});
    const drain = vi.fn(never);
    lifecycle.use('store', resource('store'));
    lifecycle.add(part('writer'));
    lifecycle.add(part('source', { drain, run: never }));
    const begun = performance.now();
    const code = lifecycle.run(stop.signal);
    stop.abort();
    await vi.runAllTimersAsync();
    await expect(code).resolves.toBe(1);
    expect(performance.now() - begun).toBeLessThanOrEqual(10_000);
    expect(drain).toHaveBeenCalledWith(7000);
    expect(log).toEqual(['not ready', 'close source', 'close writer', 'drain writer', 'stop writer', 'dispose store']);
    expect(errors).toEqual(['source drain shutdown step is late', 'source stop shutdown step is late']);
  } finally {
    vi.useRealTimers();
  }
});

test('a composition that fails releases what it had opened, once', async () => {
  const { lifecycle, log, resource } = recorded();
  const compose = async () => {
    await using composing = lifecycle;
    composing.use('store', resource('store'));
    throw new AppError('portUnavailable', 'Taken.');
  };
  await expect(compose()).rejects.toMatchObject({ code: 'portUnavailable' });
  expect(log).toEqual(['dispose store']);
});

test('a composition that fails half-way stops the parts that were added, before their resources go', async () => {
  const { lifecycle, log, errors, part, resource } = recorded();
  lifecycle.use('store', resource('store'));
  lifecycle.add(part('watcher'));
  lifecycle.add(part('source'));
  await lifecycle[Symbol.asyncDispose]();
  expect(log).toEqual(['stop source', 'stop watcher', 'dispose store']);
  expect(errors).toEqual([]);
});
