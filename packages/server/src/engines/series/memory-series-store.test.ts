import { MemorySeries, MemorySeriesStore } from '../../../test/support/memory-series-store.ts';
import { describeSeriesStore } from './series-store.conformance.ts';
import { maxEventTimeMs } from './series-store.ts';

for (const exactlyOnce of ['transactional', 'identity'] as const) {
  describeSeriesStore(`in memory, ${exactlyOnce}`, { exactlyOnce, keepsAmountText: true, maxTimeMs: maxEventTimeMs }, () => {
    const series = new MemorySeries();
    const open = () => new MemorySeriesStore({ series, exactlyOnce });
    return Promise.resolve({
      store: open(),
      other: open(),
      reopen: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  });
}
