import { z } from 'zod';
import { timestamp } from './fields.ts';

/** Records and bytes; times only where there are records. Sizes are in bytes. */
export const levelSchema = z
  .object({
    firstRecordAt: timestamp.optional(),
    lastRecordAt: timestamp.optional(),
    recordsCount: z.int(),
    compressedSize: z.int(),
    uncompressedSize: z.int(),
  })
  .meta({ id: 'Level' });
export type LevelAnswer = z.infer<typeof levelSchema>;

/** Levels without records are left out. */
export const levelsSchema = z
  .object({ local: levelSchema.optional(), staging: levelSchema.optional(), target: levelSchema.optional() })
  .meta({ id: 'Levels' });
export type LevelsAnswer = z.infer<typeof levelsSchema>;

export const statisticsTotalSchema = z.object({ total: levelSchema, levels: levelsSchema }).meta({ id: 'SinkStatisticsTotalResult' });
export type StatisticsTotal = z.infer<typeof statisticsTotalSchema>;

export const sinkFileSchema = z
  .object({
    state: z.enum(['writing', 'closing', 'importing', 'imported']),
    openedAt: timestamp,
    closingAt: timestamp.optional(),
    importingAt: timestamp.optional(),
    importedAt: timestamp.optional(),
    retryAttempt: z.int().optional(),
    retryReason: z.string().optional(),
    retryAfter: timestamp.optional(),
    statistics: z.object({ total: levelSchema.nullable(), levels: levelsSchema }).optional(),
  })
  .meta({ id: 'SinkFile' });
export type SinkFileAnswer = z.infer<typeof sinkFileSchema>;

export const statisticsFilesSchema = z.object({ files: z.array(sinkFileSchema) }).meta({ id: 'SinkStatisticsFilesResult' });
