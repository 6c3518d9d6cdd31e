import { deleteSource, disableSource, enableSource, updateSource } from '@sluice/contract/operations';
import type { UpdateSource } from '@sluice/contract/source';
import type { TaskAnswer } from '@sluice/contract/task';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { type BranchCall, bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { nextVersion } from '../entity-change.ts';
import type { SourceKey } from '../keys.ts';
import type { Stamp } from '../new-definition.ts';
import { patchedSource } from '../patched-definition.ts';
import { startSourceTask } from './entity-task.ts';
import { type OperationRoom, stampOf } from './operation-room.ts';
import { findSource } from './source-operations.ts';

type SourceCall<Query, Body> = BranchCall<{ readonly sourceId: string }, Query, Body>;

/** What changes a source that is there. */
export function sourceChanges(room: OperationRoom): BoundOperation[] {
  const { store, cascade } = room;
  return [
    bindBranch(updateSource, { store, handle: (call) => startUpdate(room, call) }),
    bindBranch(deleteSource, { store, handle: (call) => startDeletion(room, call) }),
    bindBranch(disableSource, {
      store,
      handle: (call) =>
        startChange(room, call, {
          type: 'api.disable.source',
          result: 'Source has been disabled successfully.',
          change: (key, stamp) => cascade.disable(key, stamp),
        }),
    }),
    bindBranch(enableSource, {
      store,
      handle: (call) =>
        startChange(room, call, {
          type: 'api.enable.source',
          result: 'Source has been enabled successfully.',
          change: (key, stamp) => cascade.enable(key, stamp),
        }),
    }),
  ];
}

/** The dry run before the task tells a wrong request at once; the task patches what the source is by then. */
async function startUpdate(room: OperationRoom, call: SourceCall<unknown, UpdateSource>): Promise<TaskAnswer> {
  const { branch, params, body } = call;
  if (body === undefined) throw new AppError('missingPayload', 'missing required payload');
  patchedSource(await findSource(room, { ...params, ...branch }), body);
  const description = body.changeDescription || 'Updated.';
  return startChange(room, call, {
    type: 'api.update.source',
    result: 'Source has been updated successfully.',
    change: (key, stamp) => room.writer.updateSource(key, (source) => nextVersion(patchedSource(source, body), { description, ...stamp })),
  });
}

async function startDeletion(room: OperationRoom, call: SourceCall<{ readonly cascade: boolean }, unknown>): Promise<TaskAnswer> {
  if (call.query.cascade) {
    throw new AppError('badRequest', 'Deleting a source together with its tables is not available yet, please leave "cascade" out.');
  }
  return startChange(room, call, {
    type: 'api.delete.source',
    result: 'Source has been deleted successfully.',
    change: (key, stamp) => room.cascade.delete(key, stamp),
  });
}

interface SourceChange {
  readonly type: string;
  readonly result: string;
  change(key: SourceKey, stamp: Stamp): Promise<number>;
}

async function startChange(room: OperationRoom, call: SourceCall<unknown, unknown>, { type, result, change }: SourceChange) {
  const key = { ...call.params, ...call.branch };
  await findSource(room, key);
  return startSourceTask(room, { type, key, result, change: () => change(key, stampOf(room, call)) });
}
