import { z } from 'zod';

/** Why the entity's current step failed and when it is tried again. Absent: not failed since the last transition. */
export const retrySchema = z.object({
  attempt: z.int().min(1),
  reason: z.string(),
  firstFailedAt: z.string(),
  lastFailedAt: z.string(),
  /** UTC text; the first attempt at or after it. */
  after: z.string(),
});
export type Retry = z.infer<typeof retrySchema>;

const firstDelayMs = 1000;
const maxDelayMs = 5 * 60_000;

/** Milliseconds until attempt + 1: 1 s, 2 s, 4 s .. 5 min, times 0.9 .. 1.1. `random` in [0, 1). */
function retryDelayMs(attempt: number, random: number): number {
  return Math.round(Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(attempt - 1, 20)) * (0.9 + 0.2 * random));
}

/** After a failure at `now` (UTC text). `random` in [0, 1). */
export function nextRetry(last: Retry | undefined, { now, reason, random }: { now: string; reason: string; random: number }): Retry {
  const attempt = (last?.attempt ?? 0) + 1;
  const after = new Date(Date.parse(now) + retryDelayMs(attempt, random)).toISOString();
  return { attempt, reason: reason.slice(0, 1000), firstFailedAt: last?.firstFailedAt ?? now, lastFailedAt: now, after };
}
