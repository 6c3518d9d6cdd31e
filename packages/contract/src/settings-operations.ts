import { nothing, sinkParams, sinkPath, sourceParams, sourcePath } from './entity-path.ts';
import { operation } from './operation.ts';
import { settingsResultSchema, updateSettingsSchema } from './settings.ts';
import { taskSchema } from './task.ts';

export const getSourceSettings = operation({
  id: 'GetSourceSettings',
  method: 'GET',
  path: `${sourcePath}/settings`,
  summary: 'Settings of the source, ordered by key; they hold for its sinks that do not override them.',
  tag: 'configuration',
  access: 'read',
  params: sourceParams,
  query: nothing,
  status: 200,
  answer: settingsResultSchema,
  errors: ['stream.api.sourceNotFound'],
});

export const updateSourceSettings = operation({
  id: 'UpdateSourceSettings',
  method: 'PATCH',
  path: `${sourcePath}/settings`,
  summary: 'Overrides settings of the source and makes a new version; open files of its sinks keep theirs.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams,
  query: nothing,
  body: updateSettingsSchema,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.operationInProgress'],
});

export const getSinkSettings = operation({
  id: 'GetSinkSettings',
  method: 'GET',
  path: `${sinkPath}/settings`,
  summary: 'Settings of the sink, ordered by key, without those of its source.',
  tag: 'configuration',
  access: 'read',
  params: sinkParams,
  query: nothing,
  status: 200,
  answer: settingsResultSchema,
  errors: ['stream.api.sinkNotFound'],
});

export const updateSinkSettings = operation({
  id: 'UpdateSinkSettings',
  method: 'PATCH',
  path: `${sinkPath}/settings`,
  summary: 'Overrides settings of the sink, makes a new version and begins a new file.',
  tag: 'configuration',
  access: 'write',
  params: sinkParams,
  query: nothing,
  body: updateSettingsSchema,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.sinkNotFound', 'stream.api.operationInProgress'],
});
