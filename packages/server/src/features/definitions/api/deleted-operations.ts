import { listDeletedSinks, listDeletedSources } from '@sluice/contract/lifecycle-operations';
import { bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import type { OperationRoom } from './operation-room.ts';
import { findSource } from './source-operations.ts';

/** What is deleted and may be undeleted. Those of a deleted source are seen only after it is back. */
export function deletedOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions, views } = room;
  return [
    bindBranch(listDeletedSources, {
      store,
      handle: async ({ branch, query }) => {
        const { items, page } = await definitions.deletedSources(branch, query);
        return { ...branch, page, sources: items.map((source) => views.source(source)) };
      },
    }),
    bindBranch(listDeletedSinks, {
      store,
      handle: async ({ branch, params: { sourceId }, query }) => {
        const sourceKey = { ...branch, sourceId };
        await findSource(room, sourceKey);
        const { items, page } = await definitions.deletedSinks(sourceKey, query);
        return { ...sourceKey, page, sinks: items.map((sink) => views.sink(sink)) };
      },
    }),
  ];
}
