import { listSinkVersions, listSourceVersions, sinkVersionDetail, sourceVersionDetail } from '@sluice/contract/operations';
import type { BoundOperation } from '../bound-operation.ts';
import { sinkMissing, sinkVersionMissing, sourceVersionMissing } from '../definition-errors.ts';
import type { SinkKey } from '../keys.ts';
import { padVersionCursor } from '../pagination.ts';
import { bindBranch } from './bind-operation.ts';
import type { OperationRoom } from './operation-room.ts';
import { assertSource } from './sink-operations.ts';

export function versionOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions } = room;
  return [
    bindBranch(listSourceVersions, {
      store,
      handle: async ({ branch, params: { sourceId }, query }) => {
        await assertSource(room, { ...branch, sourceId });
        const { items, page } = await definitions.sourceVersions({ ...branch, sourceId }, query);
        return { versions: [...items], page };
      },
    }),
    bindBranch(sourceVersionDetail, {
      store,
      handle: async ({ branch, params: { sourceId, versionNumber } }) => {
        await assertSource(room, { ...branch, sourceId });
        const version = await definitions.sourceVersion({ ...branch, sourceId }, versionNumber);
        if (version === undefined) throw sourceVersionMissing(sourceId, versionNumber);
        return version;
      },
    }),
    bindBranch(listSinkVersions, {
      store,
      handle: async ({ branch, params: { sourceId, sinkId }, query: { afterId, limit } }) => {
        const sinkKey = { ...branch, sourceId, sinkId };
        await assertSink(room, sinkKey);
        // Unlike those of sources, these answers show the cursor with its zeros.
        const { items, page } = await definitions.sinkVersions(sinkKey, { afterId: padVersionCursor(afterId), limit });
        return { versions: [...items], page };
      },
    }),
    bindBranch(sinkVersionDetail, {
      store,
      handle: async ({ branch, params: { sourceId, sinkId, versionNumber } }) => {
        const sinkKey = { ...branch, sourceId, sinkId };
        await assertSink(room, sinkKey);
        const version = await definitions.sinkVersion(sinkKey, versionNumber);
        if (version === undefined) throw sinkVersionMissing(sinkId, versionNumber);
        return version;
      },
    }),
  ];
}

async function assertSink(room: OperationRoom, sinkKey: SinkKey): Promise<void> {
  await assertSource(room, sinkKey);
  if ((await room.definitions.sink(sinkKey)) === undefined) throw sinkMissing(sinkKey.sinkId);
}
