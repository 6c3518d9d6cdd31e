import { createSink, getSink, listSinks } from '@sluice/contract/operations';
import type { CreateSink } from '@sluice/contract/sink';
import { utcTime } from '../../../kernel/codec/utc-time.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { actorOf } from '../actor.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { sinkExists, sinkMissing, sourceMissing } from '../definition-errors.ts';
import { KeyedMutex } from '../keyed-mutex.ts';
import { type SinkKey, type SourceKey, sinkKeyText, sourceKeyText } from '../keys.ts';
import { newSink, sinkContent } from '../new-definition.ts';
import type { TaskRecord } from '../task.ts';
import { type BranchCall, bindBranch } from './bind-operation.ts';
import type { OperationRoom } from './operation-room.ts';
import { untilApplied } from './until-applied.ts';

export function sinkOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions, views } = room;
  /** Sinks of one source are created one at a time, while all requests are answered at once. */
  const perSource = new KeyedMutex();
  return [
    bindBranch(listSinks, {
      store,
      handle: async ({ branch, params: { sourceId }, query }) => {
        const sourceKey = { ...branch, sourceId };
        await assertSource(room, sourceKey);
        const { items, page } = await definitions.sinks(sourceKey, query);
        return { ...sourceKey, page, sinks: items.map((sink) => views.sink(sink)) };
      },
    }),
    bindBranch(createSink, { store, handle: async (call) => views.task(await startCreation(room, { call, perSource })) }),
    bindBranch(getSink, {
      store,
      handle: async ({ branch, params: { sourceId, sinkId } }) => {
        await assertSource(room, { ...branch, sourceId });
        const sink = await definitions.sink({ ...branch, sourceId, sinkId });
        if (sink === undefined) throw sinkMissing(sinkId);
        return views.sink(sink);
      },
    }),
  ];
}

interface Creation {
  readonly call: BranchCall<{ readonly sourceId: string }, unknown, CreateSink>;
  readonly perSource: KeyedMutex;
}

async function startCreation(room: OperationRoom, { call, perSource }: Creation): Promise<TaskRecord> {
  const { definitions, views, tasks, clock, hooks } = room;
  const { branch, params, body, principal } = call;
  if (body === undefined) throw new AppError('missingPayload', 'missing required payload');
  const sourceKey = { ...branch, sourceId: params.sourceId };
  const content = sinkContent(sourceKey, body);
  const { projectId, branchId, sourceId, sinkId } = content;
  await assertSource(room, sourceKey);
  await assertFree(room, content);
  return tasks.start({
    type: 'api.create.sink',
    projectId,
    entity: `${branchId}/${sourceId}/${sinkId}`,
    outputs: { url: views.sinkUrl(content), projectId, branchId, sourceId, sinkId },
    run: async (signal) => {
      const revision = await perSource.run(sourceKeyText(sourceKey), async () => {
        signal.throwIfAborted();
        const sink = newSink(content, { at: utcTime(clock.now()), by: actorOf(principal) });
        await hooks.prepareTarget(sink);
        return definitions.createSink(sink, hooks);
      });
      await untilApplied(room, revision);
      return 'Sink has been created successfully.';
    },
  });
}

export async function assertSource({ definitions }: Pick<OperationRoom, 'definitions'>, sourceKey: SourceKey): Promise<void> {
  if ((await definitions.source(sourceKey)) === undefined) throw sourceMissing(sourceKey.sourceId);
}

/** A repeat within half a second of the creation's start is told as "still being created", by the whole key. */
async function assertFree({ definitions, tasks }: OperationRoom, sinkKey: SinkKey): Promise<void> {
  const entityKey = sinkKeyText(sinkKey);
  const state = tasks.stateOf(entityKey);
  if (state === 'running') throw sinkExists(entityKey);
  if ((await definitions.sink(sinkKey)) !== undefined) throw sinkExists(state === 'finished' ? entityKey : sinkKey.sinkId);
}
