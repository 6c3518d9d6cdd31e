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
  /** Commits the change and resolves to its revision. */
  change(): Promise<number>;
}

/** Starts a task on a source, which ends when every source node works with the change. */
export async function startSourceTask(room: OperationRoom, { type, key, result, change }: EntityTask<SourceKey>): Promise<TaskAnswer> {
  const { tasks, views } = room;
  const { projectId, branchId, sourceId } = key;
  const task = await tasks.start({
    type,
    projectId,
    entity: `${branchId}/${sourceId}`,
    outputs: { url: views.sourceUrl(key), projectId, branchId, sourceId },
    run: (signal) => execute(room, { key, result, change, signal }),
  });
  return views.task(task);
}

/** As `startSourceTask`. */
export async function startSinkTask(room: OperationRoom, { type, key, result, change }: EntityTask<SinkKey>): Promise<TaskAnswer> {
  const { tasks, views } = room;
  const { projectId, branchId, sourceId, sinkId } = key;
  const task = await tasks.start({
    type,
    projectId,
    entity: `${branchId}/${sourceId}/${sinkId}`,
    outputs: { url: views.sinkUrl(key), projectId, branchId, sourceId, sinkId },
    run: (signal) => execute(room, { key, result, change, signal }),
  });
  return views.task(task);
}

interface Execution extends Pick<EntityTask<SourceKey>, 'key' | 'result' | 'change'> {
  readonly signal: AbortSignal;
}

/** A source and its sinks change one at a time, while all requests are answered at once. */
async function execute(room: OperationRoom, { key, result, change, signal }: Execution): Promise<string> {
  const revision = await room.perSource.run(sourceKeyText(key), () => {
    signal.throwIfAborted();
    return change();
  });
  await untilApplied(room, revision);
  return result;
}
