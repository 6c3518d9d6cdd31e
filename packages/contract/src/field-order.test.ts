import { expect, test } from 'vitest';
import type { z } from 'zod';
import { aggregatedSourcesSchema } from './aggregation.ts';
import { errorBodySchema } from './error-body.ts';
import { mappingTestSchema } from './mapping-test.ts';
import { pageSchema } from './page.ts';
import { quarantineOutcomeSchema, quarantineSchema } from './quarantine.ts';
import { serviceDetailSchema } from './service-detail.ts';
import { settingSchema, settingsResultSchema } from './settings.ts';
import { sinkSchema, sinksListSchema } from './sink.ts';
import { sourceSchema, sourcesListSchema } from './source.ts';
import { levelSchema, levelsSchema, sinkFileSchema, statisticsFilesSchema, statisticsTotalSchema } from './statistics.ts';
import { taskOutputsSchema, taskSchema } from './task.ts';
import { actorSchema, createdSchema, deletedSchema, disabledSchema, versionSchema, versionsSchema } from './version.ts';

const aggregatedSource = aggregatedSourcesSchema.shape.sources.element;
const aggregatedSink = aggregatedSource.shape.sinks.element;
const table = sinkSchema.shape.table.unwrap();
const [testTable, testRow, testColumn] = [
  mappingTestSchema.shape.tables.element,
  mappingTestSchema.shape.tables.element.shape.rows.element,
  mappingTestSchema.shape.tables.element.shape.rows.element.shape.columns.element,
];

const source = 'projectId branchId sourceId type name description http? otlp? version created deleted? disabled?';
const sink = 'projectId branchId sourceId sinkId type name description allowedSignals? table? version created deleted? disabled?';

/** The order of fields is a promise to clients that compare texts. A question mark: left out where there is nothing to say. */
const orders: readonly [z.ZodObject, string][] = [
  [serviceDetailSchema, 'api documentation'],
  [errorBodySchema, 'statusCode error message exceptionId?'],
  [taskSchema, 'taskId type url status isFinished createdAt finishedAt? duration? result? error? outputs?'],
  [taskOutputsSchema, 'url? projectId? branchId? sourceId? sinkId?'],
  [pageSchema, 'limit totalCount afterId lastId'],
  [actorSchema, 'type tokenId? tokenDesc? userId? userName?'],
  [versionSchema, 'number hash description at by'],
  [createdSchema, 'at by'],
  [deletedSchema, 'at by'],
  [disabledSchema, 'at by reason'],
  [sourceSchema, source],
  [sourceSchema.shape.http.unwrap(), 'url'],
  [sourceSchema.shape.otlp.unwrap(), 'url baseUrl secret'],
  [sourcesListSchema, 'projectId branchId page sources'],
  [sinkSchema, sink],
  [table, 'type tableId mapping'],
  [table.shape.mapping, 'columns'],
  [sinksListSchema, 'projectId branchId sourceId page sinks'],
  [versionsSchema, 'versions page'],
  [settingsResultSchema, 'settings'],
  [settingSchema, 'key type description value defaultValue overwritten protected validation?'],
  [mappingTestSchema, 'projectId branchId sourceId tables'],
  [testTable, 'sinkId tableId rows'],
  [testRow, 'columns'],
  [testColumn, 'name value'],
  [levelSchema, 'firstRecordAt? lastRecordAt? recordsCount compressedSize uncompressedSize'],
  [levelsSchema, 'local? staging? target?'],
  [statisticsTotalSchema, 'total levels'],
  [statisticsFilesSchema, 'files'],
  [sinkFileSchema, 'state openedAt closingAt? importingAt? importedAt? retryAttempt? retryReason? retryAfter? statistics?'],
  [sinkFileSchema.shape.statistics.unwrap(), 'total levels'],
  [aggregatedSourcesSchema, 'projectId branchId page sources'],
  [aggregatedSource, `${source} sinks`],
  [aggregatedSink, `${sink} statistics?`],
  [aggregatedSink.shape.statistics.unwrap(), 'total levels files'],
  [quarantineSchema, 'projectId branchId page files'],
  [quarantineOutcomeSchema, 'file rows state'],
];

test.each(orders)('%# has its fields in their order', (schema, fields) => {
  const found = Object.entries(schema.shape).map(([name, field]) => (field.safeParse(undefined).success ? `${name}?` : name));
  expect(found.join(' ')).toBe(fields);
});
