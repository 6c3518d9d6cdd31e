import { taskOutputsSchema } from '@sluice/contract/task';
import { z } from 'zod';

export const taskPrefix = 'task/';
const projectTaskPrefix = (projectId: number): string => `${taskPrefix}${projectId}/`;

/** A task as stored under `task/<projectId>/<taskId>`. */
export const taskRecordSchema = z.object({
  projectId: z.int(),
  taskId: z.string(),
  type: z.string(),
  /** What the task works on; one running task for each. */
  entityKey: z.string(),
  /** The node that executes it. */
  nodeId: z.string(),
  status: z.enum(['processing', 'success', 'error']),
  createdAt: z.string(),
  finishedAt: z.string().optional(),
  durationMs: z.int().optional(),
  result: z.string().optional(),
  error: z.string().optional(),
  /** Only of failed tasks: the log has the cause under it. */
  exceptionId: z.string().optional(),
  outputs: taskOutputsSchema.optional(),
});
export type TaskRecord = z.infer<typeof taskRecordSchema>;

export const taskRecordKey = ({ projectId, taskId }: Pick<TaskRecord, 'projectId' | 'taskId'>): string =>
  projectTaskPrefix(projectId) + taskId;

interface TaskFate {
  readonly now: number;
  /** The node that asks, and whether it has just started: what it left unfinished is dead. */
  readonly restartedNodeId?: string;
}

const hourMs = 3_600_000;
export const taskTimeoutMs = 5 * 60_000;
const retentionMs = { success: hourMs, error: 48 * hourMs } as const;

/** What the sweep does with a task: nothing, end it as interrupted, or delete it. */
export function taskFate(task: TaskRecord, { now, restartedNodeId }: TaskFate): 'keep' | 'interrupted' | 'delete' {
  if (task.status === 'processing') {
    // Twice the timeout: whoever executed it is gone.
    const isDead = task.nodeId === restartedNodeId || now - Date.parse(task.createdAt) > 2 * taskTimeoutMs;
    return isDead ? 'interrupted' : 'keep';
  }
  return now - Date.parse(task.finishedAt ?? task.createdAt) > retentionMs[task.status] ? 'delete' : 'keep';
}
