import { z } from 'zod';
import { text } from './fields.ts';
import { pageSchema } from './page.ts';
import { createdSchema, deletedSchema, disabledSchema, versionSchema } from './version.ts';

export const sourceTypes = ['http', 'otlp'] as const;

export const createSourceSchema = z
  .object({
    sourceId: text({ min: 1, max: 48 }).optional(),
    type: z.enum(sourceTypes),
    name: text({ min: 1, max: 40 }),
    description: text({ max: 4096 }).optional(),
  })
  .meta({ id: 'CreateSourceRequest' });
export type CreateSource = z.infer<typeof createSourceSchema>;

/** What is left out stays as it is. */
export const updateSourceSchema = z
  .object({
    changeDescription: z.string().optional(),
    type: z.enum(sourceTypes).optional(),
    name: text({ min: 1, max: 40 }).optional(),
    description: text({ max: 4096 }).optional(),
  })
  .meta({ id: 'UpdateSourceRequest' });
export type UpdateSource = z.infer<typeof updateSourceSchema>;

export const sourceSchema = z
  .object({
    projectId: z.int(),
    branchId: z.int(),
    sourceId: z.string(),
    type: z.enum(sourceTypes),
    name: z.string(),
    description: z.string(),
    http: z.object({ url: z.string() }).optional(),
    otlp: z.object({ url: z.string(), baseUrl: z.string(), secret: z.string() }).optional(),
    version: versionSchema,
    created: createdSchema,
    deleted: deletedSchema.optional(),
    disabled: disabledSchema.optional(),
  })
  .meta({ id: 'Source' });
export type SourceAnswer = z.infer<typeof sourceSchema>;

export const sourcesListSchema = z
  .object({ projectId: z.int(), branchId: z.int(), page: pageSchema, sources: z.array(sourceSchema) })
  .meta({ id: 'SourcesList' });
