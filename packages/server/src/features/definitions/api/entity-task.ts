import type { TaskAnswer } from '@sluice/contract/task';
import { type SinkKey, type SourceKey, sourceKeyText } from '../keys.ts';
import type { OperationRoom } from './operation-room.ts';
import { untilApplied } from './until-applied.ts';

interface EntityTask<Key> {
  /** `api.create.source` and the like. */
  readonly type: string;
  readonly key: Key;
  /** The success text. */
  readonly result: string;
  readonly keepsOutputs?: boolean;
  /** What the client hears at once, looked at when no other operation works on the entity. */
  check(): Promise<unknown>;
  /** Commits the change and resolves to its revision. */
  change(signal: AbortSignal): Promise<number>;
}

/** Starts a task on a source, which ends when every source node works with the change. */
export async function startSourceTask(room: OperationRoom, task: EntityTask<SourceKey>): Promise<TaskAnswer> {
  const { projectId, branchId, sourceId } = task.key;
  const record = await room.tasks.start({
    ...task,
    projectId,
    entity: `${branchId}/${sourceId}`,
    outputs: { url: room.views.sourceUrl(task.key), projectId, branchId, sourceId },
    run: (signal) => execute(room, task, signal),
  });
  return room.views.task(record);
}

/** As `startSourceTask`. */
export async function startSinkTask(room: OperationRoom, task: EntityTask<SinkKey>): Promise<TaskAnswer> {
  const { projectId, branchId, sourceId, sinkId } = task.key;
  const record = await room.tasks.start({
    ...task,
    projectId,
    entity: `${branchId}/${sourceId}/${sinkId}`,
    outputs: { url: room.views.sinkUrl(task.key), projectId, branchId, sourceId, sinkId },
    run: (signal) => execute(room, task, signal),
  });
  return room.views.task(record);
}

/** A source and its sinks change one at a time, while all requests are answered at once. */
async function execute(room: OperationRoom, { key, result, change }: EntityTask<SourceKey>, signal: AbortSignal): Promise<string> {
  const revision = await room.perSource.run({ key: sourceKeyText(key), signal }, () => change(signal));
  await untilApplied(room, revision);
  return result;
}
