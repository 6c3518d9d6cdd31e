import type { AggregatedStatistics } from '@sluice/contract/aggregation';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { type SinkKey, sinkKeyText } from '../definitions/keys.ts';
import { newestFiles, sinkTotal } from './sink-statistics.ts';
import { readStatisticsReset } from './statistics-reset.ts';
import type { StorageView } from './storage-view.ts';

interface AggregatedStatisticsDeps {
  readonly store: MetadataStore;
  readonly view: StorageView;
}

/** Statistics of a sink as the aggregation shows them. */
export const createAggregatedStatistics =
  ({ store, view }: AggregatedStatisticsDeps) =>
  async (key: SinkKey): Promise<AggregatedStatistics> => {
    const sink = sinkKeyText(key);
    const files = view.filesOf(sink);
    const reset = await readStatisticsReset(store, sink);
    return { ...sinkTotal(view, { sink, files, reset }), files: newestFiles(view, files) };
  };
