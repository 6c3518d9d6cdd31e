import type { types } from 'cassandra-driver';
import { withinDeadline } from '../../../kernel/async/within-deadline.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';
import {
  assertLimit,
  assertPacketsQuery,
  assertPagedQuery,
  assertRanges,
  assertRuns,
  assertText,
  assertUsageQuery,
  assertUser,
} from '../assert-usage.ts';
import { packetsPage } from '../packets-page.ts';
import {
  dayMs,
  hourMs,
  type LegacyCount,
  type PacketRun,
  type PacketsPage,
  type PacketsQuery,
  type PagedUsageQuery,
  type RegisteredUser,
  type SessionHour,
  type StoredRange,
  type UsageCursor,
  type UsagePage,
  type UsageQuery,
  type UsageRange,
  type UsageStore,
  type UsageSum,
  type UserHoursPage,
} from '../usage-store.ts';
import { legacyCountOf, legacyRunOf, rangeOf, runOf, sessionHourOf, sumOf, timeOf, userHourOf } from './cassandra-rows.ts';
import { type CassandraOptions, CassandraSession, type Statement } from './cassandra-session.ts';
import { CassandraStatements, startOfDay } from './cassandra-statements.ts';

interface CassandraUsageOptions extends CassandraOptions {
  readonly rangesMs: number;
  readonly packetsMs: number;
  readonly startTimer: StartTimer;
}

interface Page {
  readonly after: UsageCursor;
  readonly limit: number;
}

/** Statements under way at once. */
const concurrency = 16;
/** Statements of a batch; all are of one partition. */
const batchLength = 60;
const beginning: UsageCursor = { hourMs: 0, channel: '', sessionId: '', flush: 0 };

/**
 * Usage in Cassandra 5: the keyspace and the table `users` of the original system, its `packets` and counters read where they are
 * there, and tables of our own beside them. No counter is ever written, every statement may be repeated.
 */
export class CassandraUsageStore implements UsageStore {
  readonly #options: CassandraUsageOptions;
  readonly #session: CassandraSession;
  readonly #statements: CassandraStatements;

  constructor(options: CassandraUsageOptions) {
    this.#options = options;
    this.#session = new CassandraSession(options);
    this.#statements = new CassandraStatements(options.keyspace, options);
  }

  async addUser(user: RegisteredUser, signal: AbortSignal): Promise<boolean> {
    assertUser(user);
    return await this.#within('register a user', signal, async () => {
      if (await this.#find(user.user)) return false;
      await this.#session.rows(this.#statements.addUser(user));
      return true;
    });
  }

  async findUser(user: string, signal: AbortSignal): Promise<RegisteredUser | undefined> {
    assertText(user);
    return await this.#within('find a user', signal, () => this.#find(user));
  }

  async removeUser(user: string, signal: AbortSignal): Promise<boolean> {
    assertText(user);
    return await this.#within('remove a user', signal, async () => {
      const found = await this.#find(user);
      await this.#session.rows(this.#statements.removeUser(user));
      return found !== undefined;
    });
  }

  async writeRanges(ranges: readonly UsageRange[], signal: AbortSignal): Promise<void> {
    assertRanges(ranges);
    const byPartition = Map.groupBy(ranges, (range) => JSON.stringify([range.user, range.hourMs]));
    const batches = [...byPartition.values()].flatMap((some) => inBatches(some.flatMap((range) => this.#statements.range(range))));
    await this.#within('write usage', signal, (within) => eachOf(batches, within, (batch) => this.#session.batch(batch)));
  }

  async sumUsage(query: UsageQuery, signal: AbortSignal): Promise<readonly UsageSum[]> {
    assertUsageQuery(query);
    return await this.#within('sum usage', signal, async (within) => {
      const hours = hoursOf(query, query.fromMs);
      const found = await eachOf(hours, within, (hour) => this.#session.rows(this.#statements.sum({ user: query.user, hourMs: hour })));
      return found.flat().map(sumOf);
    });
  }

  async listSessions(query: PagedUsageQuery, signal: AbortSignal): Promise<UsagePage<SessionHour>> {
    assertPagedQuery(query);
    const read = (hour: number, page: Page) => this.#statements.sessions({ user: query.user, hourMs: hour }, page);
    return await this.#within('list sessions', signal, (within) => this.#listByHour(query, within, { read, rowOf: sessionHourOf }));
  }

  async listRanges(query: PagedUsageQuery, signal: AbortSignal): Promise<UsagePage<StoredRange>> {
    assertPagedQuery(query);
    const read = (hour: number, page: Page) => this.#statements.ranges({ user: query.user, hourMs: hour }, page);
    return await this.#within('list ranges', signal, (within) => this.#listByHour(query, within, { read, rowOf: rangeOf }));
  }

  async listUserHours({ after, limit }: { readonly after?: string; readonly limit: number }, signal: AbortSignal): Promise<UserHoursPage> {
    assertLimit(limit);
    return await this.#within('list users', signal, async () => {
      const { rows, next } = await this.#session.page(this.#statements.userHours(), { after, limit });
      return { rows: rows.map(userHourOf), next };
    });
  }

  async logPackets(runs: readonly PacketRun[], signal: AbortSignal): Promise<void> {
    assertRuns(runs);
    const byPartition = Map.groupBy(runs, ({ user, atMs }) => JSON.stringify([user, startOfDay(atMs)]));
    const batches = [...byPartition.values()].flatMap((some) => inBatches(some.map((run) => this.#statements.logRun(run))));
    await this.#within('log packets', signal, (within) => eachOf(batches, within, (batch) => this.#session.batch(batch)));
  }

  async listPackets(query: PacketsQuery, signal: AbortSignal): Promise<PacketsPage> {
    assertPacketsQuery(query);
    const { user, afterMs, toMs, limit } = query;
    return await this.#within('list packets', signal, async (within) => {
      const { packets: hasLegacy } = await this.#session.legacy();
      const found = hasLegacy ? (await this.#session.rows(this.#statements.legacyPackets(query))).map((row) => legacyRunOf(row, user)) : [];
      const own: PacketRun[] = [];
      for (let day = startOfDay(afterMs + 1); day < toMs && own.length <= limit && !within.aborted; day += dayMs) {
        own.push(...(await this.#session.rows(this.#statements.runs(query, day))).map(runOf));
      }
      return packetsPage([...found, ...own], query);
    });
  }

  async readLegacyCounts(query: UsageQuery, signal: AbortSignal): Promise<readonly LegacyCount[]> {
    assertUsageQuery(query);
    return await this.#within('read counters', signal, async () => {
      if (!(await this.#session.legacy()).hourlyUsage) return [];
      const rows = await this.#session.rows(this.#statements.legacyCounts(query.user, query));
      return rows.map(legacyCountOf).toSorted((one, other) => one.hourMs - other.hourMs);
    });
  }

  /** Cassandra forgets by itself. */
  async forgetExpired(_nowMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#within('probe', signal, () => this.#session.rows({ query: 'SELECT release_version FROM system.local', params: [] }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.close();
  }

  async #find(user: string): Promise<RegisteredUser | undefined> {
    const [row] = await this.#session.rows(this.#statements.findUser(user));
    return row && { user, registeredAtMs: timeOf(row, 'timestamp') };
  }

  /** One partition for each hour: a few at a time are read until the page is full. */
  async #listByHour<Row>(
    query: PagedUsageQuery,
    signal: AbortSignal,
    { read, rowOf }: { readonly read: (hour: number, page: Page) => Statement; readonly rowOf: (row: types.Row) => Row },
  ): Promise<UsagePage<Row>> {
    const { after, limit } = query;
    const found: Row[] = [];
    const hours = hoursOf(query, Math.max(query.fromMs, after?.hourMs ?? 0));
    for (let index = 0; index < hours.length && found.length <= limit && !signal.aborted; index += concurrency) {
      const pages = await eachOf(hours.slice(index, index + concurrency), signal, (hour) =>
        this.#session.rows(read(hour, { after: after?.hourMs === hour ? after : beginning, limit: limit + 1 })),
      );
      found.push(...pages.flat().map(rowOf));
    }
    return { rows: found.slice(0, limit), more: found.length > limit };
  }

  #within<T>(what: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { timeoutMs, startTimer } = this.#options;
    return withinDeadline({ what: `Cassandra (${what})`, code: 'usageUnavailable', timeoutMs, startTimer, signal }, work);
  }
}

function hoursOf({ toMs }: UsageQuery, fromMs: number): number[] {
  const first = Math.ceil(fromMs / hourMs) * hourMs;
  return Array.from({ length: Math.max(0, Math.ceil((toMs - first) / hourMs)) }, (_, index) => first + index * hourMs);
}

function inBatches(statements: readonly Statement[]): (readonly Statement[])[] {
  return Array.from({ length: Math.ceil(statements.length / batchLength) }, (_, index) =>
    statements.slice(index * batchLength, (index + 1) * batchLength),
  );
}

/** The results in the order of the items. A failure, or the end of the time, begins no further ones. */
async function eachOf<Item, Result>(items: readonly Item[], signal: AbortSignal, work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let index = 0; index < items.length && !signal.aborted; index += concurrency) {
    results.push(...(await Promise.all(items.slice(index, index + concurrency).map(work))));
  }
  signal.throwIfAborted();
  return results;
}
