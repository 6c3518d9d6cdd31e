import { z } from 'zod';
import { pageSchema } from './page.ts';
import { sinkSchema } from './sink.ts';
import { sourceSchema } from './source.ts';
import { levelSchema, levelsSchema, sinkFileSchema } from './statistics.ts';

const aggregatedStatisticsSchema = z
  .object({
    total: levelSchema,
    levels: levelsSchema,
    /** Newest first. */
    files: z.array(sinkFileSchema),
  })
  .meta({ id: 'AggregatedStatistics' });
export type AggregatedStatistics = z.infer<typeof aggregatedStatisticsSchema>;

const aggregatedSinkSchema = sinkSchema.extend({ statistics: aggregatedStatisticsSchema.optional() }).meta({ id: 'AggregatedSink' });
export type AggregatedSink = z.infer<typeof aggregatedSinkSchema>;

const aggregatedSourceSchema = sourceSchema.extend({ sinks: z.array(aggregatedSinkSchema) }).meta({ id: 'AggregatedSource' });
export type AggregatedSource = z.infer<typeof aggregatedSourceSchema>;

export const aggregatedSourcesSchema = z
  .object({ projectId: z.int(), branchId: z.int(), page: pageSchema, sources: z.array(aggregatedSourceSchema) })
  .meta({ id: 'AggregatedSourcesResult' });
