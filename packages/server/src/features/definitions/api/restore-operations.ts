import { rollbackSinkVersion, rollbackSourceVersion, undeleteSink, undeleteSource } from '@sluice/contract/lifecycle-operations';
import { bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { deletedSinkMissing, deletedSourceMissing, sinkVersionMissing, sourceVersionMissing } from '../definition-errors.ts';
import { startSinkTask, startSourceTask } from './entity-task.ts';
import { type OperationRoom, stampOf } from './operation-room.ts';
import { findSink } from './sink-operations.ts';
import { findSource } from './source-operations.ts';

/** Undelete and rollback. */
export function restoreOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions, cascade, restorer } = room;
  return [
    bindBranch(undeleteSource, {
      store,
      handle: (call) => {
        const key = { ...call.params, ...call.branch };
        return startSourceTask(room, {
          type: 'api.undelete.source',
          key,
          result: 'Source has been undeleted successfully.',
          check: async () => {
            if ((await definitions.deletedSource(key)) === undefined) throw deletedSourceMissing(key.sourceId);
          },
          change: () => cascade.undelete(key, stampOf(room, call)),
        });
      },
    }),
    bindBranch(rollbackSourceVersion, {
      store,
      handle: (call) => {
        const { versionNumber, ...params } = call.params;
        const key = { ...params, ...call.branch };
        return startSourceTask(room, {
          type: 'api.rollback.sourceVersion',
          key,
          result: 'Source version was rolled back successfully.',
          check: async () => {
            await findSource(room, key);
            const version = await definitions.sourceVersion(key, versionNumber);
            if (version === undefined) throw sourceVersionMissing(key.sourceId, versionNumber);
          },
          change: () => restorer.rollbackSource(key, versionNumber, stampOf(room, call)),
        });
      },
    }),
    bindBranch(undeleteSink, {
      store,
      handle: (call) => {
        const key = { ...call.params, ...call.branch };
        return startSinkTask(room, {
          type: 'api.undelete.sink',
          key,
          result: 'Sink has been undeleted successfully.',
          check: async () => {
            await findSource(room, key);
            if ((await definitions.deletedSink(key)) === undefined) throw deletedSinkMissing(key.sinkId);
          },
          change: () => restorer.undeleteSink(key, stampOf(room, call)),
        });
      },
    }),
    bindBranch(rollbackSinkVersion, {
      store,
      handle: (call) => {
        const { versionNumber, ...params } = call.params;
        const key = { ...params, ...call.branch };
        return startSinkTask(room, {
          type: 'api.rollback.sinkVersion',
          key,
          result: 'Sink version was rolled back successfully.',
          check: async () => {
            await findSink(room, key);
            const version = await definitions.sinkVersion(key, versionNumber);
            if (version === undefined) throw sinkVersionMissing(key.sinkId, versionNumber);
          },
          change: () => restorer.rollbackSink(key, versionNumber, stampOf(room, call)),
        });
      },
    }),
  ];
}
