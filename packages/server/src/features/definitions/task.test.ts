import { describe, expect, it } from 'vitest';
import { type TaskRecord, taskFate } from './task.ts';

const createdAt = '2026-06-24T10:00:00.000Z';
const created = Date.parse(createdAt);
const hours = 3_600_000;
const minutes = 60_000;
const task = (part: Partial<TaskRecord>): TaskRecord => ({
  projectId: 1,
  taskId: 't',
  type: 'api.create.source',
  entityKey: '1/1/s',
  nodeId: 'n1',
  status: 'processing',
  createdAt,
  ...part,
});

describe('fate of a task', () => {
  it.each([
    ['success', hours, 'keep'],
    ['success', hours + 1, 'delete'],
    ['error', 48 * hours, 'keep'],
    ['error', 48 * hours + 1, 'delete'],
  ] as const)('%s after %d ms: %s', (status, age, fate) => {
    expect(taskFate(task({ status, finishedAt: createdAt }), { now: created + age })).toBe(fate);
  });

  it.each([
    [{ now: created + 10 * minutes }, 'keep'],
    [{ now: created + 10 * minutes + 1 }, 'interrupted'],
    [{ now: created, restartedNodeId: 'n1' }, 'interrupted'],
    [{ now: created, restartedNodeId: 'n2' }, 'keep'],
  ] as const)('processing, seen by %j: %s', (seen, fate) => {
    expect(taskFate(task({}), seen)).toBe(fate);
  });
});
