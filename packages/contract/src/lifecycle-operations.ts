import { branchParams, branchPath, nothing, sinkParams, sinkPath, sourceParams, sourcePath, versionNumber } from './entity-path.ts';
import { operation } from './operation.ts';
import { pageQuerySchema } from './page.ts';
import { sinksListSchema } from './sink.ts';
import { sourceSchema, sourcesListSchema } from './source.ts';
import { taskSchema } from './task.ts';

export const listDeletedSources = operation({
  id: 'ListDeletedSources',
  method: 'GET',
  path: `${branchPath}/sources/deleted`,
  summary: 'Deleted sources of the branch, ordered by id.',
  tag: 'configuration',
  access: 'read',
  params: branchParams,
  query: pageQuerySchema,
  status: 200,
  answer: sourcesListSchema,
  errors: [],
});

export const undeleteSource = operation({
  id: 'UndeleteSource',
  method: 'PUT',
  path: `${sourcePath}/undelete`,
  summary: 'Takes a deleted source back, with the sinks that were deleted with it, as a new version.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams,
  query: nothing,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.deletedSourceNotFound', 'stream.api.operationInProgress'],
});

export const rotateSourceSecret = operation({
  id: 'RotateSourceSecret',
  method: 'POST',
  path: `${sourcePath}/rotate-secret`,
  summary: 'Gives the source a new secret and makes a new version; the old URL takes no more events.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams,
  query: nothing,
  status: 200,
  answer: sourceSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.versionCountLimitReached', 'stream.api.operationInProgress'],
});

export const rollbackSourceVersion = operation({
  id: 'RollbackSourceVersion',
  method: 'PUT',
  path: `${sourcePath}/versions/{versionNumber}/rollback`,
  summary: 'Makes a new version of the source with the content of an earlier one, its secret included; what is disabled stays so.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams.extend({ versionNumber }),
  query: nothing,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.sourceVersionNotFound', 'stream.api.operationInProgress'],
});

export const listDeletedSinks = operation({
  id: 'ListDeletedSinks',
  method: 'GET',
  path: `${sourcePath}/sinks/deleted`,
  summary: 'Deleted sinks of the source, ordered by id.',
  tag: 'configuration',
  access: 'read',
  params: sourceParams,
  query: pageQuerySchema,
  status: 200,
  answer: sinksListSchema,
  errors: ['stream.api.sourceNotFound'],
});

export const undeleteSink = operation({
  id: 'UndeleteSink',
  method: 'PUT',
  path: `${sinkPath}/undelete`,
  summary: 'Takes back a sink that was deleted by itself, not with its source, as a new version.',
  tag: 'configuration',
  access: 'write',
  params: sinkParams,
  query: nothing,
  status: 202,
  answer: taskSchema,
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.deletedSinkNotFound', 'stream.api.operationInProgress'],
});

export const rollbackSinkVersion = operation({
  id: 'RollbackSinkVersion',
  method: 'PUT',
  path: `${sinkPath}/versions/{versionNumber}/rollback`,
  summary: 'Makes a new version of the sink with the content of an earlier one; what is disabled stays so.',
  tag: 'configuration',
  access: 'write',
  params: sinkParams.extend({ versionNumber }),
  query: nothing,
  status: 202,
  answer: taskSchema,
  errors: [
    'stream.api.forbidden',
    'stream.api.sourceNotFound',
    'stream.api.sinkNotFound',
    'stream.api.sinkVersionNotFound',
    'stream.api.operationInProgress',
  ],
});
