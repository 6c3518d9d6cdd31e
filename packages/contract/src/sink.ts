import { z } from 'zod';
import { list, text } from './fields.ts';
import { columnSchema, columnTypes } from './mapping.ts';
import { pageSchema } from './page.ts';
import { createdSchema, deletedSchema, disabledSchema, versionSchema } from './version.ts';

export const signals = ['logs', 'metrics', 'traces'] as const;

/** A column as clients send it: options that its type does not use are accepted and dropped. */
export const columnInputSchema = z
  .object({
    type: z.enum(columnTypes),
    name: z.string(),
    path: z.string().optional(),
    defaultValue: z.string().optional(),
    rawString: z.boolean().optional(),
    template: z.object({ language: z.enum(['jsonnet']), content: text({ min: 1, max: 4096 }) }).optional(),
  })
  .meta({ id: 'TableColumnRequest' });
export type ColumnInput = z.infer<typeof columnInputSchema>;

const mappingInputSchema = z.object({ columns: list(columnInputSchema, { min: 1, max: 100 }) });

export const createSinkSchema = z
  .object({
    sinkId: text({ min: 1, max: 48 }).optional(),
    type: z.enum(['table']),
    name: text({ min: 1, max: 40 }),
    description: text({ max: 4096 }).optional(),
    allowedSignals: z.array(z.enum(signals)).optional(),
    table: z
      .object({
        type: z.enum(['keboola']),
        tableId: z.string(),
        mapping: mappingInputSchema,
      })
      .optional(),
  })
  .meta({ id: 'CreateSinkRequest' });
export type CreateSink = z.infer<typeof createSinkSchema>;

/** What is left out stays as it is; a mapping that is given replaces all columns. */
export const updateSinkSchema = z
  .object({
    changeDescription: z.string().optional(),
    type: z.enum(['table']).optional(),
    name: text({ min: 1, max: 40 }).optional(),
    description: text({ max: 4096 }).optional(),
    allowedSignals: z.array(z.enum(signals)).optional(),
    table: z
      .object({ type: z.enum(['keboola']).optional(), tableId: z.string().optional(), mapping: mappingInputSchema.optional() })
      .optional(),
  })
  .meta({ id: 'UpdateSinkRequest' });
export type UpdateSink = z.infer<typeof updateSinkSchema>;

export const sinkSchema = z
  .object({
    projectId: z.int(),
    branchId: z.int(),
    sourceId: z.string(),
    sinkId: z.string(),
    type: z.literal('table'),
    name: z.string(),
    description: z.string(),
    allowedSignals: z.array(z.enum(signals)).optional(),
    table: z.object({ type: z.literal('keboola'), tableId: z.string(), mapping: z.object({ columns: z.array(columnSchema) }) }).optional(),
    version: versionSchema,
    created: createdSchema,
    deleted: deletedSchema.optional(),
    disabled: disabledSchema.optional(),
  })
  .meta({ id: 'Sink' });
export type SinkAnswer = z.infer<typeof sinkSchema>;

export const sinksListSchema = z
  .object({ projectId: z.int(), branchId: z.int(), sourceId: z.string(), page: pageSchema, sinks: z.array(sinkSchema) })
  .meta({ id: 'SinksList' });
