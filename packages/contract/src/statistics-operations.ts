import { z } from 'zod';
import { nothing, sinkParams, sinkPath, sourceParams, sourcePath } from './entity-path.ts';
import { booleanText } from './fields.ts';
import { operation } from './operation.ts';
import { statisticsFilesSchema, statisticsTotalSchema } from './statistics.ts';

export const sourceStatisticsClear = operation({
  id: 'SourceStatisticsClear',
  method: 'DELETE',
  path: `${sourcePath}/statistics/clear`,
  summary: 'Counts what is imported by all sinks of the source from zero again.',
  tag: 'configuration',
  access: 'write',
  params: sourceParams,
  query: nothing,
  status: 200,
  answer: z.undefined(),
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound'],
});

export const sinkStatisticsTotal = operation({
  id: 'SinkStatisticsTotal',
  method: 'GET',
  path: `${sinkPath}/statistics/total`,
  summary: 'Records of the sink by where they are: on ingest disks, staged, imported.',
  tag: 'configuration',
  access: 'read',
  params: sinkParams,
  query: nothing,
  status: 200,
  answer: statisticsTotalSchema,
  errors: ['stream.api.sourceNotFound', 'stream.api.sinkNotFound'],
});

export const sinkStatisticsFiles = operation({
  id: 'SinkStatisticsFiles',
  method: 'GET',
  path: `${sinkPath}/statistics/files`,
  summary: 'Files of the sink with their states: imported ones first, failing ones last.',
  tag: 'configuration',
  access: 'read',
  params: sinkParams,
  query: z.object({ failedFiles: booleanText().default(false) }),
  status: 200,
  answer: statisticsFilesSchema,
  errors: ['stream.api.sourceNotFound', 'stream.api.sinkNotFound'],
});

export const sinkStatisticsClear = operation({
  id: 'SinkStatisticsClear',
  method: 'DELETE',
  path: `${sinkPath}/statistics/clear`,
  summary: 'Counts what is imported from zero again.',
  tag: 'configuration',
  access: 'write',
  params: sinkParams,
  query: nothing,
  status: 200,
  answer: z.undefined(),
  errors: ['stream.api.forbidden', 'stream.api.sourceNotFound', 'stream.api.sinkNotFound'],
});
