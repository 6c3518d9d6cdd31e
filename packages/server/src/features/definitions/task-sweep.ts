import {
  type MetadataEntry,
  type MetadataStore,
  type MetadataWrite,
  maxTransactionOperations,
} from '../../engines/metadata/metadata-store.ts';
import { decodeJson } from '../../kernel/codec/json.ts';
import { utcTime } from '../../kernel/codec/utc-time.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { type TaskRecord, taskFate, taskPrefix, taskRecordSchema } from './task.ts';

interface SweepDeps {
  readonly store: MetadataStore;
  readonly clock: Clock;
  /** Set at the start of a node: what the node left unfinished ends as an error. */
  readonly restartedNodeId?: string;
}

export const decodeTask = ({ key, value }: MetadataEntry): TaskRecord =>
  decodeJson(value, { schema: taskRecordSchema, what: `Task "${key}"`, code: 'invariantBroken' });

/** Ends tasks whose process died, deletes those whose retention time is over. Repeating it does no harm. */
export async function sweepTasks({ store, clock, restartedNodeId }: SweepDeps): Promise<void> {
  const fate = { now: clock.now(), ...(restartedNodeId !== undefined && { restartedNodeId }) };
  let after: string | undefined;
  for (;;) {
    const page = await store.range({ prefix: taskPrefix, limit: maxTransactionOperations / 2, ...(after !== undefined && { after }) });
    const due = page.entries.flatMap((entry) => {
      const write = sweepWrite(entry, fate);
      return write === undefined ? [] : [{ entry, write }];
    });
    if (due.length > 0) {
      // A task that finished meanwhile fails its check; the page then waits for the next sweep.
      await store.transact({
        checks: due.map(({ entry }) => ({ key: entry.key, modRevision: entry.modRevision })),
        writes: due.map(({ write }) => write),
      });
    }
    after = page.entries.at(-1)?.key;
    if (!page.more || after === undefined) return;
  }
}

function sweepWrite(entry: MetadataEntry, fate: Parameters<typeof taskFate>[1]): MetadataWrite | undefined {
  const task = decodeTask(entry);
  switch (taskFate(task, fate)) {
    case 'keep':
      return undefined;
    case 'delete':
      return { type: 'delete', key: entry.key };
    case 'interrupted': {
      const ended: TaskRecord = {
        ...task,
        status: 'error',
        finishedAt: utcTime(fate.now),
        durationMs: Math.max(0, fate.now - Date.parse(task.createdAt)),
        error: 'The service stopped before the task was finished.',
      };
      return { type: 'put', key: entry.key, value: JSON.stringify(ended) };
    }
  }
}
