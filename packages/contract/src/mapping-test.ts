import { z } from 'zod';

/** Answer of the dry run: one table per sink with exactly one row; values are the texts before CSV quoting. */
export const mappingTestSchema = z
  .object({
    projectId: z.int(),
    branchId: z.int(),
    sourceId: z.string(),
    tables: z.array(
      z.object({
        sinkId: z.string(),
        tableId: z.string(),
        rows: z.array(z.object({ columns: z.array(z.object({ name: z.string(), value: z.string() })) })),
      }),
    ),
  })
  .meta({ id: 'TestResult' });
export type MappingTestAnswer = z.infer<typeof mappingTestSchema>;
