import { z } from 'zod';
import { timestamp } from './fields.ts';

export const taskOutputsSchema = z
  .object({
    url: z.string().optional(),
    projectId: z.int().optional(),
    branchId: z.int().optional(),
    sourceId: z.string().optional(),
    sinkId: z.string().optional(),
  })
  .meta({ id: 'TaskOutputs' });
export type TaskOutputs = z.infer<typeof taskOutputsSchema>;

export const taskSchema = z
  .object({
    /** `<type>/<branchId>/<sourceId>[/<sinkId>]/<createdAt>_<5 characters>`. */
    taskId: z.string(),
    type: z.string(),
    url: z.string(),
    status: z.enum(['processing', 'success', 'error']),
    isFinished: z.boolean(),
    createdAt: timestamp,
    finishedAt: timestamp.optional(),
    /** Milliseconds. */
    duration: z.int().optional(),
    result: z.string().optional(),
    error: z.string().optional(),
    outputs: taskOutputsSchema.optional(),
  })
  .meta({ id: 'Task' });
export type TaskAnswer = z.infer<typeof taskSchema>;
