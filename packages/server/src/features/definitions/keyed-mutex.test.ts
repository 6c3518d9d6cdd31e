import { describe, expect, it } from 'vitest';
import { KeyedMutex } from './keyed-mutex.ts';

describe('mutex by key', () => {
  it('runs actions of one key one after the other, of others beside them, and goes on after a failure', async () => {
    const mutex = new KeyedMutex();
    const first = Promise.withResolvers<void>();
    const order: string[] = [];
    const a1 = mutex.run('a', async () => {
      order.push('a1');
      await first.promise;
      throw new Error('a1');
    });
    const a2 = mutex.run('a', async () => order.push('a2'));
    await mutex.run('b', async () => order.push('b'));
    expect(order).toEqual(['a1', 'b']);
    first.resolve();
    await expect(a1).rejects.toThrow('a1');
    await a2;
    expect(order).toEqual(['a1', 'b', 'a2']);
  });
});
