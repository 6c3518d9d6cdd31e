import {
  sinkStatisticsClear,
  sinkStatisticsFiles,
  sinkStatisticsTotal,
  sourceStatisticsClear,
} from '@sluice/contract/statistics-operations';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { utcTime } from '../../kernel/codec/utc-time.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { bindBranch } from '../definitions/bind-operation.ts';
import type { BoundOperation } from '../definitions/bound-operation.ts';
import { sinkMissing, sourceMissing } from '../definitions/definition-errors.ts';
import { DefinitionStore } from '../definitions/definition-store.ts';
import { type SinkKey, type SourceKey, sinkKeyText, sourceKeyText } from '../definitions/keys.ts';
import { fileStatistics, type SinkFiles, type StatisticsReset, sinkTotal, targetFigures } from './sink-statistics.ts';
import { statisticsResetMetadataKey } from './state/storage-keys.ts';
import { readStatisticsReset } from './statistics-reset.ts';
import type { StorageView } from './storage-view.ts';

interface StatisticsOperationsOptions {
  readonly store: MetadataStore;
  readonly view: StorageView;
  readonly clock: Clock;
  readonly logger: Logger;
}

const maxSinks = 100;

/** Statistics of sinks in the configuration API, by the view: a moment behind metadata, and the figures of open slices at most a second more. */
export function statisticsOperations({ store, view, clock, logger }: StatisticsOperationsOptions): BoundOperation[] {
  const definitions = new DefinitionStore(store);

  async function assertSource(key: SourceKey): Promise<void> {
    if ((await definitions.source(key)) === undefined) throw sourceMissing(key.sourceId);
  }

  async function assertSink(key: SinkKey): Promise<void> {
    await assertSource(key);
    if ((await definitions.sink(key)) === undefined) throw sinkMissing(key.sinkId);
  }

  async function filesOf(key: SinkKey): Promise<SinkFiles> {
    const sink = sinkKeyText(key);
    const reset = await readStatisticsReset(store, sink);
    return { sink, files: view.filesOf(sink), reset };
  }

  async function clear(key: SinkKey): Promise<void> {
    const sink = sinkKeyText(key);
    const reset: StatisticsReset = { at: utcTime(clock.now()), figures: targetFigures(view, { sink, files: view.filesOf(sink) }) };
    const write = { type: 'put', key: statisticsResetMetadataKey(sink), value: JSON.stringify(reset) } as const;
    await store.transact({ checks: [], writes: [write] });
  }

  return [
    bindBranch(sourceStatisticsClear, {
      store,
      handle: async ({ branch, params }) => {
        const key = { ...params, ...branch };
        await assertSource(key);
        const { items } = await definitions.sinks(key, { afterId: '', limit: maxSinks });
        await Promise.all(items.map(({ sinkId }) => clear({ ...key, sinkId })));
        logger.info({}, `Statistics clear for source "${sourceKeyText(key)}" reset ${items.length} sinks`);
        return undefined;
      },
    }),
    bindBranch(sinkStatisticsTotal, {
      store,
      handle: async ({ branch, params }) => {
        const key = { ...params, ...branch };
        await assertSink(key);
        return sinkTotal(view, await filesOf(key));
      },
    }),
    bindBranch(sinkStatisticsFiles, {
      store,
      handle: async ({ branch, params, query: { failedFiles } }) => {
        const key = { ...params, ...branch };
        await assertSink(key);
        return { files: fileStatistics(view, await filesOf(key), failedFiles) };
      },
    }),
    bindBranch(sinkStatisticsClear, {
      store,
      handle: async ({ branch, params }) => {
        const key = { ...params, ...branch };
        await assertSink(key);
        await clear(key);
        // The figures are read and written: clients know the line by that number.
        logger.info({}, `Statistics clear for sink "${sinkKeyText(key)}" used 2 operations`);
        return undefined;
      },
    }),
  ];
}
