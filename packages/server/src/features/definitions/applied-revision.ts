import { z } from 'zod';
import type { MetadataEntry, MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { decodeJson } from '../../kernel/codec/json.ts';
import { isAppError } from '../../kernel/errors/app-error.ts';
import { backgroundTimer, type StartTimer } from '../../kernel/time/start-timer.ts';

/** Which revision of the definitions a source node works with, under `runtime/node/http-source/<nodeId>`; leased, so only live nodes have one. */
export const sourceNodePrefix = 'runtime/node/http-source/';
const appliedSchema = z.object({ revision: z.int() });

const appliedOf = ({ key, value }: MetadataEntry): number =>
  decodeJson(value, { schema: appliedSchema, what: `Node record "${key}"`, code: 'invariantBroken' }).revision;

interface AppliedRevision {
  readonly nodeId: string;
  readonly leaseId: string;
  readonly revision: number;
}

export async function publishAppliedRevision(store: MetadataStore, { nodeId, leaseId, revision }: AppliedRevision): Promise<void> {
  const value = JSON.stringify(appliedSchema.parse({ revision }));
  await store.transact({ checks: [], writes: [{ type: 'put', key: sourceNodePrefix + nodeId, value, leaseId }] });
}

interface WaitOptions {
  readonly timeoutMs: number;
  readonly startTimer?: StartTimer;
}

/** True once every live source node works with the revision or a newer one; false after the timeout, or when the store does not answer. */
export async function waitUntilApplied(store: MetadataStore, revision: number, options: WaitOptions): Promise<boolean> {
  const timeout = new AbortController();
  const cancelTimer = (options.startTimer ?? backgroundTimer)(options.timeoutMs, () => timeout.abort());
  try {
    const page = await store.range({ prefix: sourceNodePrefix, limit: 1000 });
    const behind = new Set(page.entries.filter((entry) => appliedOf(entry) < revision).map(({ key }) => key));
    if (behind.size === 0) return true;
    for await (const { events } of store.watch({ prefix: sourceNodePrefix, fromRevision: page.revision + 1, signal: timeout.signal })) {
      for (const event of events) {
        if (event.type === 'delete') behind.delete(event.key);
        else if (appliedOf(event.entry) >= revision) behind.delete(event.entry.key);
      }
      if (behind.size === 0) return true;
    }
    return false;
  } catch (error) {
    if (isAppError(error) && error.disposition === 'retry') return false;
    throw error;
  } finally {
    cancelTimer();
    timeout.abort();
  }
}
