import { createSource, getSource, listSources } from '@sluice/contract/operations';
import type { CreateSource } from '@sluice/contract/source';
import type { TaskAnswer } from '@sluice/contract/task';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { type BranchCall, bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { sourceExists, sourceMissing } from '../definition-errors.ts';
import { type SourceKey, sourceKeyText } from '../keys.ts';
import { newSource, sourceContent } from '../new-definition.ts';
import type { Source } from '../source.ts';
import { startSourceTask } from './entity-task.ts';
import { type OperationRoom, stampOf } from './operation-room.ts';

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
    bindBranch(createSource, { store, handle: (call) => startCreation(room, call) }),
    bindBranch(getSource, {
      store,
      handle: async ({ branch, params: { sourceId } }) => views.source(await findSource(room, { ...branch, sourceId })),
    }),
  ];
}

async function startCreation(room: OperationRoom, call: BranchCall<unknown, unknown, CreateSource>): Promise<TaskAnswer> {
  const { definitions, writer, vault } = room;
  const { branch, body } = call;
  if (body === undefined) throw new AppError('missingPayload', 'missing required payload');
  const content = sourceContent(branch, body);
  const key = { ...branch, sourceId: content.sourceId };
  return startSourceTask(room, {
    type: 'api.create.source',
    key,
    result: 'Source has been created successfully.',
    check: async () => {
      if ((await definitions.source(key)) !== undefined) throw sourceExists(key.sourceId);
    },
    change: () => {
      const secret = vault.store(vault.newSecret(), sourceKeyText(key));
      const stamp = stampOf(room, call);
      return writer.createSource(key, (deleted) => newSource(content, { secret, stamp, deleted }));
    },
  });
}

/** `sourceNotFound`. */
export async function findSource({ definitions }: Pick<OperationRoom, 'definitions'>, key: SourceKey): Promise<Source> {
  const source = await definitions.source(key);
  if (source === undefined) throw sourceMissing(key.sourceId);
  return source;
}
