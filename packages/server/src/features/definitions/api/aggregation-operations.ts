import type { AggregatedSink, AggregatedSource } from '@sluice/contract/aggregation';
import { aggregationSources } from '@sluice/contract/aggregation-operations';
import { bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { type Sink, sinkKeyOf } from '../sink.ts';
import { type Source, sourceKeyOf } from '../source.ts';
import type { OperationRoom } from './operation-room.ts';

/** As many as a source may have. */
const maxSinks = 100;

/** A page of sources with everything below them: what a page of the branch shows, in one answer. */
export function aggregationOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions } = room;
  return [
    bindBranch(aggregationSources, {
      store,
      handle: async ({ branch, query }) => {
        const { items, page } = await definitions.sources(branch, query);
        const sources: AggregatedSource[] = [];
        // One after the other: a page may have 10,000 sinks.
        for (const source of items) sources.push(await aggregatedSource(room, source));
        return { ...branch, page, sources };
      },
    }),
  ];
}

async function aggregatedSource(room: OperationRoom, source: Source): Promise<AggregatedSource> {
  const { items } = await room.definitions.sinks(sourceKeyOf(source), { afterId: '', limit: maxSinks });
  return { ...room.views.source(source), sinks: await Promise.all(items.map((sink) => aggregatedSink(room, sink))) };
}

async function aggregatedSink({ views, sinkStatistics }: OperationRoom, sink: Sink): Promise<AggregatedSink> {
  const statistics = await sinkStatistics?.(sinkKeyOf(sink));
  return { ...views.sink(sink), ...(statistics !== undefined && { statistics }) };
}
