import { columnSchema } from '@sluice/contract/mapping';
import { z } from 'zod';
import type { SinkKey } from './keys.ts';
import { settingOverridesSchema } from './settings.ts';
import { createdSchema, deletedSchema, disabledSchema, versionSchema } from './source.ts';

/** A sink as stored under `definition/sink/active/<sinkKey>`, or `deleted/` after its deletion. */
export const sinkSchema = z.object({
  projectId: z.int(),
  branchId: z.int(),
  sourceId: z.string(),
  sinkId: z.string(),
  type: z.literal('table'),
  name: z.string(),
  description: z.string(),
  allowedSignals: z.array(z.enum(['logs', 'metrics', 'traces'])).optional(),
  table: z.object({
    type: z.literal('keboola'),
    /** `<stage>.<bucket>.<table>`. */
    tableId: z.string(),
    mapping: z.object({ columns: z.array(columnSchema) }),
  }),
  settings: settingOverridesSchema.optional(),
  version: versionSchema,
  created: createdSchema,
  disabled: disabledSchema.optional(),
  deleted: deletedSchema.optional(),
});
export type Sink = z.infer<typeof sinkSchema>;

export const sinkKeyOf = ({ projectId, branchId, sourceId, sinkId }: Sink): SinkKey => ({ projectId, branchId, sourceId, sinkId });
