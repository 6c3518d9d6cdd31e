import { z } from 'zod';
import { branchParams, branchPath, nothing, sinkParams, sinkPath, sourceParams, sourcePath, versionNumber } from './entity-path.ts';
import { booleanText } from './fields.ts';
import { mappingTestSchema } from './mapping-test.ts';
import { operation } from './operation.ts';
import { pageQuerySchema } from './page.ts';
import { createSinkSchema, signals, sinkSchema, sinksListSchema, updateSinkSchema } from './sink.ts';
import { createSourceSchema, sourceSchema, sourcesListSchema, updateSourceSchema } from './source.ts';
import { taskSchema } from './task.ts';
import { versionSchema, versionsSchema } from './version.ts';

export const listSources = operation({
  id: 'ListSources',
  method: 'GET',
  path: `${branchPath}/sources`,
  summary: 'Sources of the branch, ordered by id.',
  tag: 'configuration',
  access: 'read',
  params: branchParams,
  query: pageQuerySchema,
  status: 200,
  answer: sourcesListSchema,
  errors: [],
});

export const createSource = operation({
  id: 'CreateSource',
  method: 'POST',
  path: `${branchPath}/sources`,
  summary: 'Creates a source; the task ends when every ingest node knows it.',
  tag: 'configuration',
  access: 'write',
  params: branchParams,
  query: nothing,
  body: createSourceSchema,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceAlreadyExists', 'stream.api.operationInProgress'],
});

export const getSource = operation({
  id: 'GetSource',
  method: 'GET',
  path: sourcePath,
  summary: 'One source with its ingest URL.',
  tag: 'configuration',
  access: 'read',
  params: sourceParams,
  query: nothing,
  status: 200,
  answer: sourceSchema,
  errors: ['stream.api.sourceNotFound'],
});

export const updateSource = operation({
  id: 'UpdateSource',
  method: 'PATCH',
  path: sourcePath,
  summary: 'Changes a source and makes a new version; what is left out stays as it is.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams,
  query: nothing,
  body: updateSourceSchema,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.operationInProgress'],
});

export const deleteSource = operation({
  id: 'DeleteSource',
  method: 'DELETE',
  path: sourcePath,
  summary:
    'Deletes a source with its sinks; their tables stay, and what was received is imported. With `cascade` it is erased for good, with all tables that no other source writes to.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams,
  query: z.object({ cascade: booleanText().default(false) }),
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.operationInProgress'],
});

export const disableSource = operation({
  id: 'DisableSource',
  method: 'PUT',
  path: `${sourcePath}/disable`,
  summary: 'Stops a source and its sinks; what was received is imported.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams,
  query: nothing,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.operationInProgress'],
});

export const enableSource = operation({
  id: 'EnableSource',
  method: 'PUT',
  path: `${sourcePath}/enable`,
  summary: 'Starts a disabled source and the sinks that were disabled with it.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams,
  query: nothing,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.operationInProgress'],
});

export const testSource = operation({
  id: 'TestSource',
  method: 'POST',
  path: `${sourcePath}/test`,
  summary: 'Renders this request as a record for every sink of the source; nothing is stored.',
  tag: 'test',
  access: 'read',
  params: sourceParams,
  query: z.object({ signal: z.enum(signals).default('logs') }),
  rawBody: true,
  status: 200,
  answer: mappingTestSchema,
  errors: ['stream.api.sourceNotFound', 'stream.api.unprocessableContent'],
});

export const listSourceVersions = operation({
  id: 'ListSourceVersions',
  method: 'GET',
  path: `${sourcePath}/versions`,
  summary: 'Versions of the source, oldest first.',
  tag: 'configuration',
  access: 'read',
  params: sourceParams,
  query: pageQuerySchema,
  status: 200,
  answer: versionsSchema,
  errors: ['stream.api.sourceNotFound'],
});

export const sourceVersionDetail = operation({
  id: 'SourceVersionDetail',
  method: 'GET',
  path: `${sourcePath}/versions/{versionNumber}`,
  summary: 'One version of the source.',
  tag: 'configuration',
  access: 'read',
  params: sourceParams.extend({ versionNumber }),
  query: nothing,
  status: 200,
  answer: versionSchema,
  errors: ['stream.api.sourceNotFound', 'stream.api.sourceVersionNotFound'],
});

export const listSinks = operation({
  id: 'ListSinks',
  method: 'GET',
  path: `${sourcePath}/sinks`,
  summary: 'Sinks of the source, ordered by id.',
  tag: 'configuration',
  access: 'read',
  params: sourceParams,
  query: pageQuerySchema,
  status: 200,
  answer: sinksListSchema,
  errors: ['stream.api.sourceNotFound'],
});

export const createSink = operation({
  id: 'CreateSink',
  method: 'POST',
  path: `${sourcePath}/sinks`,
  summary: 'Creates a sink and its table; the task ends when every ingest node knows it.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams,
  query: nothing,
  body: createSinkSchema,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.sinkAlreadyExists', 'stream.api.operationInProgress'],
});

export const getSink = operation({
  id: 'GetSink',
  method: 'GET',
  path: sinkPath,
  summary: 'One sink with its mapping.',
  tag: 'configuration',
  access: 'read',
  params: sinkParams,
  query: nothing,
  status: 200,
  answer: sinkSchema,
  errors: ['stream.api.sourceNotFound', 'stream.api.sinkNotFound'],
});

export const updateSink = operation({
  id: 'UpdateSink',
  method: 'PATCH',
  path: sinkPath,
  summary: 'Changes a sink and makes a new version; what is left out stays as it is, a given mapping replaces all columns.',
  tag: 'configuration',
  access: 'write',
  params: sinkParams,
  query: nothing,
  body: updateSinkSchema,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sinkNotFound', 'stream.api.operationInProgress'],
});

export const deleteSink = operation({
  id: 'DeleteSink',
  method: 'DELETE',
  path: sinkPath,
  summary: 'Deletes a sink; its table stays, and what was received is imported.',
  tag: 'configuration',
  access: 'write',
  params: sinkParams,
  query: nothing,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.sinkNotFound', 'stream.api.operationInProgress'],
});

export const disableSink = operation({
  id: 'DisableSink',
  method: 'PUT',
  path: `${sinkPath}/disable`,
  summary: 'Stops a sink; what was received is imported.',
  tag: 'configuration',
  access: 'write',
  params: sinkParams,
  query: nothing,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.sinkNotFound', 'stream.api.operationInProgress'],
});

export const enableSink = operation({
  id: 'EnableSink',
  method: 'PUT',
  path: `${sinkPath}/enable`,
  summary: 'Starts a sink that was disabled by itself, not with its source.',
  tag: 'configuration',
  access: 'write',
  params: sinkParams,
  query: nothing,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.sinkNotFound', 'stream.api.operationInProgress'],
});

export const listSinkVersions = operation({
  id: 'ListSinkVersions',
  method: 'GET',
  path: `${sinkPath}/versions`,
  summary: 'Versions of the sink, oldest first.',
  tag: 'configuration',
  access: 'read',
  params: sinkParams,
  query: pageQuerySchema,
  status: 200,
  answer: versionsSchema,
  errors: ['stream.api.sourceNotFound', 'stream.api.sinkNotFound'],
});

export const sinkVersionDetail = operation({
  id: 'SinkVersionDetail',
  method: 'GET',
  path: `${sinkPath}/versions/{versionNumber}`,
  summary: 'One version of the sink.',
  tag: 'configuration',
  access: 'read',
  params: sinkParams.extend({ versionNumber }),
  query: nothing,
  status: 200,
  answer: versionSchema,
  errors: ['stream.api.sourceNotFound', 'stream.api.sinkNotFound', 'stream.api.sinkVersionNotFound'],
});

export const getTask = operation({
  id: 'GetTask',
  method: 'GET',
  path: '/v1/tasks/{taskId...}',
  summary: 'State of a task.',
  tag: 'configuration',
  access: 'read',
  params: z.object({ taskId: z.string() }),
  query: nothing,
  status: 200,
  answer: taskSchema,
  errors: ['stream.api.taskNotFound'],
});
