import { listSinkVersions, listSourceVersions, sinkVersionDetail, sourceVersionDetail } from '@sluice/contract/operations';
import { bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { sinkVersionMissing, sourceVersionMissing } from '../definition-errors.ts';
import { padVersionCursor } from '../pagination.ts';
import type { OperationRoom } from './operation-room.ts';
import { findSink } from './sink-operations.ts';
import { findSource } from './source-operations.ts';

export function versionOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions } = room;
  return [
    bindBranch(listSourceVersions, {
      store,
      handle: async ({ branch, params: { sourceId }, query }) => {
        await findSource(room, { ...branch, sourceId });
        const { items, page } = await definitions.sourceVersions({ ...branch, sourceId }, query);
        return { versions: [...items], page };
      },
    }),
    bindBranch(sourceVersionDetail, {
      store,
      handle: async ({ branch, params: { sourceId, versionNumber } }) => {
        await findSource(room, { ...branch, sourceId });
        const version = await definitions.sourceVersion({ ...branch, sourceId }, versionNumber);
        if (version === undefined) throw sourceVersionMissing(sourceId, versionNumber);
        return version;
      },
    }),
    bindBranch(listSinkVersions, {
      store,
      handle: async ({ branch, params: { sourceId, sinkId }, query: { afterId, limit } }) => {
        const sinkKey = { ...branch, sourceId, sinkId };
        await findSink(room, sinkKey);
        // Unlike those of sources, these answers show the cursor with its zeros.
        const { items, page } = await definitions.sinkVersions(sinkKey, { afterId: padVersionCursor(afterId), limit });
        return { versions: [...items], page };
      },
    }),
    bindBranch(sinkVersionDetail, {
      store,
      handle: async ({ branch, params: { sourceId, sinkId, versionNumber } }) => {
        const sinkKey = { ...branch, sourceId, sinkId };
        await findSink(room, sinkKey);
        const version = await definitions.sinkVersion(sinkKey, versionNumber);
        if (version === undefined) throw sinkVersionMissing(sinkId, versionNumber);
        return version;
      },
    }),
  ];
}
