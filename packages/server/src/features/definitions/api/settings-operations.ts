import type { UpdateSettings } from '@sluice/contract/settings';
import { getSinkSettings, getSourceSettings, updateSinkSettings, updateSourceSettings } from '@sluice/contract/settings-operations';
import type { TaskAnswer } from '@sluice/contract/task';
import { AppError } from '../../../kernel/errors/app-error.ts';
import { type BranchCall, bindBranch } from '../bind-operation.ts';
import type { BoundOperation } from '../bound-operation.ts';
import { sinkMissing } from '../definition-errors.ts';
import { nextVersion } from '../entity-change.ts';
import { patchedSettings, type SettingOverrides, settingAnswers } from '../settings.ts';
import { startSinkTask, startSourceTask } from './entity-task.ts';
import { type OperationRoom, stampOf } from './operation-room.ts';
import { findSink } from './sink-operations.ts';
import { findSource } from './source-operations.ts';

/** Settings that sources and sinks override. A sink that does not override a setting has its source's. */
export function settingsOperations(room: OperationRoom): BoundOperation[] {
  const { store, definitions, settingDefaults = new Map() } = room;
  const answer = (overrides: SettingOverrides = []) => ({ settings: settingAnswers(overrides, settingDefaults) });
  return [
    bindBranch(getSourceSettings, {
      store,
      handle: async ({ branch, params }) => answer((await findSource(room, { ...params, ...branch })).settings),
    }),
    bindBranch(updateSourceSettings, { store, handle: (call) => startSourceUpdate(room, call) }),
    bindBranch(getSinkSettings, {
      store,
      handle: async ({ branch, params }) => {
        const sink = await definitions.sink({ ...params, ...branch });
        if (sink === undefined) throw sinkMissing(params.sinkId);
        return answer(sink.settings);
      },
    }),
    bindBranch(updateSinkSettings, { store, handle: (call) => startSinkUpdate(room, call) }),
  ];
}

type SourceCall = BranchCall<{ readonly sourceId: string }, unknown, UpdateSettings>;
type SinkCall = BranchCall<{ readonly sourceId: string; readonly sinkId: string }, unknown, UpdateSettings>;

/** The dry run before the task tells a wrong request at once; the task patches what there is by then. */
function startSourceUpdate(room: OperationRoom, call: SourceCall): Promise<TaskAnswer> {
  const key = { ...call.params, ...call.branch };
  const { patch, description } = patchOf(call);
  return startSourceTask(room, {
    type: 'api.update.sourceSettings',
    key,
    result: 'Source settings have been updated successfully.',
    check: async () => patch((await findSource(room, key)).settings),
    change: () => {
      const note = { description, ...stampOf(room, call) };
      return room.writer.updateSource(key, (source) => nextVersion(withSettings(source, patch(source.settings)), note));
    },
  });
}

function startSinkUpdate(room: OperationRoom, call: SinkCall): Promise<TaskAnswer> {
  const key = { ...call.params, ...call.branch };
  const { patch, description } = patchOf(call);
  return startSinkTask(room, {
    type: 'api.update.sinkSettings',
    key,
    result: 'Sink settings have been updated successfully.',
    check: async () => patch((await findSink(room, key)).settings),
    change: () => {
      const note = { description, ...stampOf(room, call) };
      return room.writer.updateSink(key, (sink) => nextVersion(withSettings(sink, patch(sink.settings)), note));
    },
  });
}

function patchOf({ body, principal }: BranchCall<unknown, unknown, UpdateSettings>) {
  if (body === undefined) throw new AppError('missingPayload', 'missing required payload');
  const mayProtected = principal.role === 'super';
  return {
    patch: (before: SettingOverrides = []) => patchedSettings(before, body, { mayProtected }),
    description: body.changeDescription || 'Updated settings.',
  };
}

/** Without any override the entity is as if it never had one. */
function withSettings<Entity extends { readonly settings?: SettingOverrides | undefined }>(
  { settings: _, ...entity }: Entity,
  settings: SettingOverrides,
) {
  return settings.length > 0 ? { ...entity, settings } : entity;
}
