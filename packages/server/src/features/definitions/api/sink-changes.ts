import { deleteSink, disableSink, enableSink, updateSink } from '@sluice/contract/operations';
import type { UpdateSink } from '@sluice/contract/sink';
import type { TaskAnswer } from '@sluice/contract/task';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { type BranchCall, bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { sinkMissing } from '../definition-errors.ts';
import { nextVersion } from '../entity-change.ts';
import type { SinkKey } from '../keys.ts';
import type { Stamp } from '../new-definition.ts';
import { patchedSink } from '../patched-definition.ts';
import { startSinkTask } from './entity-task.ts';
import { type OperationRoom, stampOf } from './operation-room.ts';
import { findSink } from './sink-operations.ts';

type SinkCall<Body> = BranchCall<{ readonly sourceId: string; readonly sinkId: string }, unknown, Body>;

/** What changes a sink that is there. */
export function sinkChanges(room: OperationRoom): BoundOperation[] {
  const { store, writer } = room;
  return [
    bindBranch(updateSink, { store, handle: (call) => startUpdate(room, call) }),
    bindBranch(deleteSink, {
      store,
      handle: (call) =>
        startChange(room, call, {
          type: 'api.delete.sink',
          result: 'Sink has been deleted successfully.',
          change: (key, stamp) => writer.deleteSink(key, stamp),
        }),
    }),
    bindBranch(disableSink, {
      store,
      handle: (call) =>
        startChange(room, call, {
          type: 'api.disable.sink',
          result: 'Sink has been disabled successfully.',
          change: (key, stamp) => writer.disableSink(key, stamp),
        }),
    }),
    bindBranch(enableSink, {
      store,
      handle: (call) =>
        startChange(room, call, {
          type: 'api.enable.sink',
          result: 'Sink has been enabled successfully.',
          change: (key, stamp) => writer.enableSink(key, stamp),
        }),
    }),
  ];
}

/** As the update of a source. A missing source is told as a missing sink. */
async function startUpdate(room: OperationRoom, call: SinkCall<UpdateSink>): Promise<TaskAnswer> {
  const { branch, params, body } = call;
  if (body === undefined) throw new AppError('missingPayload', 'missing required payload');
  const key = { ...params, ...branch };
  const description = body.changeDescription || 'Updated.';
  return startSinkTask(room, {
    type: 'api.update.sink',
    key,
    result: 'Sink has been updated successfully.',
    check: async () => {
      const sink = await room.definitions.sink(key);
      if (sink === undefined) throw sinkMissing(key.sinkId);
      patchedSink(sink, body);
    },
    change: () => {
      const note = { description, ...stampOf(room, call) };
      return room.writer.updateSink(key, (before) => nextVersion(patchedSink(before, body), note));
    },
  });
}

interface SinkChange {
  readonly type: string;
  readonly result: string;
  change(key: SinkKey, stamp: Stamp): Promise<number>;
}

function startChange(room: OperationRoom, call: SinkCall<unknown>, { type, result, change }: SinkChange): Promise<TaskAnswer> {
  const key = { ...call.params, ...call.branch };
  return startSinkTask(room, { type, key, result, check: () => findSink(room, key), change: () => change(key, stampOf(room, call)) });
}
