import {
  hourMs,
  maxPageRows,
  type PagedUsageQuery,
  type StoredRange,
  type UsagePage,
  type UsageStore,
} from '../../engines/usage/usage-store.ts';
import { problemsOfHour, UsageProof, type UserHour } from './usage/usage-proof.ts';

export interface UsageReport {
  readonly hours: number;
  /** Hours that are older than ranges are kept: nothing of them can be said. */
  readonly unproven: number;
  readonly sessions: number;
  readonly ranges: number;
  readonly problems: number;
  /** The first of them, as sentences. */
  readonly found: readonly string[];
}

interface VerifyOptions {
  readonly store: UsageStore;
  /** Ranges of hours before this time may be gone. */
  readonly provenFromMs: number;
  readonly signal: AbortSignal;
}

const userHoursPage = 1000;
/** Reads of an hour: a service that runs may write to it between the lists. */
const maxReads = 3;

/**
 * Adds the ranges of every session again: within an hour they give its total, and the totals the sum that is billed; within an epoch of
 * a session no number is counted twice. Memory: a few numbers for each session, epoch and hour.
 */
export async function verifyUsage({ store, provenFromMs, signal }: VerifyOptions): Promise<UsageReport> {
  const proof = new UsageProof();
  let hours = 0;
  let unproven = 0;
  let after: string | undefined;
  do {
    const page = await store.listUserHours({ limit: userHoursPage, ...(after !== undefined && { after }) }, signal);
    for (const { user, hourMs: hour } of page.rows) {
      hours += 1;
      if (hour < provenFromMs) {
        unproven += 1;
        continue;
      }
      let read = await readHour();
      let problems = problemsOfHour(read);
      for (let reads = 1; problems.length > 0 && reads < maxReads; reads += 1) {
        read = await readHour();
        problems = problemsOfHour(read);
      }
      proof.add(read, problems);

      async function readHour(): Promise<UserHour> {
        const query = { user, fromMs: hour, toMs: hour + hourMs };
        const all = { ...query, limit: maxPageRows };
        const sessions = await everyRow((paged) => store.listSessions(paged, signal), all);
        const ranges: StoredRange[] = await everyRow((paged) => store.listRanges(paged, signal), all);
        return { user, hourMs: hour, sessions, ranges, sums: await store.sumUsage(query, signal) };
      }
    }
    after = page.next;
  } while (after !== undefined);
  proof.checkSessions();
  return { hours, unproven, ...proof.result() };
}

async function everyRow<Row extends NonNullable<PagedUsageQuery['after']>>(
  list: (query: PagedUsageQuery) => Promise<UsagePage<Row>>,
  query: PagedUsageQuery,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const after = rows.at(-1);
    const page = await list({ ...query, ...(after && { after }) });
    rows.push(...page.rows);
    if (!page.more) return rows;
  }
}
