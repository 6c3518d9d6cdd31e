import { createSink, getSink, listSinks } from '@sluice/contract/operations';
import type { CreateSink } from '@sluice/contract/sink';
import type { TaskAnswer } from '@sluice/contract/task';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { type BranchCall, bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { sinkExists, sinkMissing } from '../definition-errors.ts';
import { type SinkKey, sinkKeyText } from '../keys.ts';
import { newSink, sinkContent } from '../new-definition.ts';
import type { Sink } from '../sink.ts';
import { startSinkTask } from './entity-task.ts';
import { type OperationRoom, stampOf } from './operation-room.ts';
import { findSource } from './source-operations.ts';

export function sinkOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions, views } = room;
  return [
    bindBranch(listSinks, {
      store,
      handle: async ({ branch, params: { sourceId }, query }) => {
        const sourceKey = { ...branch, sourceId };
        await findSource(room, sourceKey);
        const { items, page } = await definitions.sinks(sourceKey, query);
        return { ...sourceKey, page, sinks: items.map((sink) => views.sink(sink)) };
      },
    }),
    bindBranch(createSink, { store, handle: (call) => startCreation(room, call) }),
    bindBranch(getSink, {
      store,
      handle: async ({ branch, params }) => views.sink(await findSink(room, { ...params, ...branch })),
    }),
  ];
}

const creation = 'api.create.sink';
type CreationCall = BranchCall<{ readonly sourceId: string }, unknown, CreateSink>;

async function startCreation(room: OperationRoom, call: CreationCall): Promise<TaskAnswer> {
  const { writer, hooks } = room;
  const { branch, params, body } = call;
  if (body === undefined) throw new AppError('missingPayload', 'missing required payload');
  const sourceKey = { ...branch, sourceId: params.sourceId };
  const content = sinkContent(sourceKey, body);
  const key = { ...sourceKey, sinkId: content.sinkId };
  await findSource(room, sourceKey);
  await assertNoRepeat(room, key);
  return startSinkTask(room, {
    type: creation,
    key,
    result: 'Sink has been created successfully.',
    check: async () => {
      await findSource(room, sourceKey);
      if ((await room.definitions.sink(key)) !== undefined) throw sinkExists(key.sinkId);
    },
    change: async () => {
      const stamp = stampOf(room, call);
      await hooks.prepareTarget(newSink(content, { stamp }));
      return writer.createSink(key, (deleted) => newSink(content, { stamp, deleted }));
    },
  });
}

/** `sourceNotFound`, `sinkNotFound`. */
export async function findSink(room: Pick<OperationRoom, 'definitions'>, key: SinkKey): Promise<Sink> {
  await findSource(room, key);
  const sink = await room.definitions.sink(key);
  if (sink === undefined) throw sinkMissing(key.sinkId);
  return sink;
}

/** A repeat within half a second of the creation's start is told as "still being created", by the whole key. */
async function assertNoRepeat({ definitions, tasks }: OperationRoom, sinkKey: SinkKey): Promise<void> {
  const entityKey = sinkKeyText(sinkKey);
  const operation = tasks.operationOn(entityKey);
  if (operation?.type !== creation) return;
  if (operation.isRunning || (await definitions.sink(sinkKey)) !== undefined) throw sinkExists(entityKey);
}
