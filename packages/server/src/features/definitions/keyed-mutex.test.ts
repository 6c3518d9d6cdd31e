import { describe, expect, it } from 'vitest';
import { KeyedMutex } from './keyed-mutex.ts';

describe('mutex by key', () => {
  it('runs actions of one key one after the other, of others beside them, and goes on after a failure', async () => {
    const mutex = new KeyedMutex();
    const first = Promise.withResolvers<void>();
    const order: string[] = [];
    const a1 = mutex.run({ key: 'a' }, async () => {
      order.push('a1');
      await first.promise;
      throw new Error('a1');
    });
    const a2 = mutex.run({ key: 'a' }, async () => order.push('a2'));
    await mutex.run({ key: 'b' }, async () => order.push('b'));
    expect(order).toEqual(['a1', 'b']);
    first.resolve();
    await expect(a1).rejects.toThrow('a1');
    await a2;
    expect(order).toEqual(['a1', 'b', 'a2']);
  });

  it('lets nobody wait behind an aborted signal', async () => {
    const mutex = new KeyedMutex();
    const first = Promise.withResolvers<void>();
    const held = mutex.run({ key: 'a' }, () => first.promise);
    const abort = new AbortController();
    const waiting = mutex.run({ key: 'a', signal: abort.signal }, async () => 'never');
    abort.abort(new Error('late'));
    await expect(waiting).rejects.toThrow('late');
    first.resolve();
    await held;
    expect(await mutex.run({ key: 'a' }, async () => 'next')).toBe('next');
  });
});
