import { createSource, getSource, listSources } from '@sluice/contract/operations';
import type { CreateSource } from '@sluice/contract/source';
import { utcTime } from '../../../kernel/codec/utc-time.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { actorOf } from '../actor.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { sourceExists, sourceMissing } from '../definition-errors.ts';
import { sourceKeyText } from '../keys.ts';
import { newSource, sourceContent } from '../new-definition.ts';
import type { TaskRecord } from '../task.ts';
import { type BranchCall, bindBranch } from './bind-operation.ts';
import type { OperationRoom } from './operation-room.ts';
import { untilApplied } from './until-applied.ts';

export function sourceOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions, views } = room;
  return [
    bindBranch(listSources, {
      store,
      handle: async ({ branch, query }) => {
        const { items, page } = await definitions.sources(branch, query);
        return { ...branch, page, sources: items.map((source) => views.source(source)) };
      },
    }),
    bindBranch(createSource, { store, handle: async (call) => views.task(await startCreation(room, call)) }),
    bindBranch(getSource, {
      store,
      handle: async ({ branch, params: { sourceId } }) => {
        const source = await definitions.source({ ...branch, sourceId });
        if (source === undefined) throw sourceMissing(sourceId);
        return views.source(source);
      },
    }),
  ];
}

async function startCreation(room: OperationRoom, call: BranchCall<unknown, unknown, CreateSource>): Promise<TaskRecord> {
  const { definitions, views, vault, tasks, clock } = room;
  const { branch, body, principal } = call;
  if (body === undefined) throw new AppError('missingPayload', 'missing required payload');
  const content = sourceContent(branch, body);
  const { projectId, branchId, sourceId } = content;
  const entityKey = sourceKeyText(content);
  if (tasks.stateOf(entityKey) === 'running' || (await definitions.source(content)) !== undefined) throw sourceExists(sourceId);
  return tasks.start({
    type: 'api.create.source',
    projectId,
    entity: `${branchId}/${sourceId}`,
    outputs: { url: views.sourceUrl(content), projectId, branchId, sourceId },
    run: async () => {
      const stamp = { at: utcTime(clock.now()), by: actorOf(principal) };
      const source = newSource(content, { secret: vault.store(vault.newSecret(), entityKey), stamp });
      await untilApplied(room, await definitions.createSource(source));
      return 'Source has been created successfully.';
    },
  });
}
