import { MemoryUsage, MemoryUsageStore } from '../../../test/support/memory-usage-store.ts';
import { describeUsageStore } from './usage-store.conformance.ts';

describeUsageStore('in memory', () => {
  const usage = new MemoryUsage();
  const open = () => new MemoryUsageStore({ usage });
  let stores = { store: open(), other: open() };
  return Promise.resolve({
    get store() {
      return stores.store;
    },
    get other() {
      return stores.other;
    },
    reopen: async () => {
      stores = { store: open(), other: open() };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
