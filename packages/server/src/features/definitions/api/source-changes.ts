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
import { untilApplied } from './until-applied.ts';

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
  const { body } = call;
  if (body === undefined) throw new AppError('missingPayload', 'missing required payload');
  const description = body.changeDescription || 'Updated.';
  return startChange(room, call, {
    type: 'api.update.source',
    result: 'Source has been updated successfully.',
    check: async (key) => patchedSource(await findSource(room, key), body),
    change: (key, stamp) => room.writer.updateSource(key, (source) => nextVersion(patchedSource(source, body), { description, ...stamp })),
  });
}

function startDeletion(room: OperationRoom, call: SourceCall<{ readonly cascade: boolean }, unknown>): Promise<TaskAnswer> {
  const type = 'api.delete.source';
  if (!call.query.cascade) {
    return startChange(room, call, {
      type,
      result: 'Source has been deleted successfully.',
      change: (key, stamp) => room.cascade.delete(key, stamp),
    });
  }
  return startChange(room, call, {
    type,
    result: 'Source and its destination tables and bucket have been deleted.',
    keepsOutputs: true,
    change: (key, stamp, signal) => room.erasure.run(key, { stamp, signal, untilApplied: (revision) => untilApplied(room, revision) }),
  });
}

interface SourceChange {
  readonly type: string;
  readonly result: string;
  readonly keepsOutputs?: boolean;
  /** By default the source must be there. */
  check?(key: SourceKey): Promise<unknown>;
  change(key: SourceKey, stamp: Stamp, signal: AbortSignal): Promise<number>;
}

function startChange(
  room: OperationRoom,
  call: SourceCall<unknown, unknown>,
  { check = (key) => findSource(room, key), change, ...task }: SourceChange,
): Promise<TaskAnswer> {
  const key = { ...call.params, ...call.branch };
  return startSourceTask(room, {
    ...task,
    key,
    check: () => check(key),
    change: (signal) => change(key, stampOf(room, call), signal),
  });
}
