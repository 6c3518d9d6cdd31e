import {
  assertLimit,
  assertPacketsQuery,
  assertPagedQuery,
  assertRanges,
  assertRuns,
  assertText,
  assertUsageQuery,
  assertUser,
} from '../../src/engines/usage/assert-usage.ts';
import { packetsPage } from '../../src/engines/usage/packets-page.ts';
import type {
  LegacyCount,
  PacketRun,
  PagedUsageQuery,
  RegisteredUser,
  SessionHour,
  SessionHourKey,
  StoredRange,
  UsageCursor,
  UsageQuery,
  UsageRange,
  UsageStore,
  UsageSum,
} from '../../src/engines/usage/usage-store.ts';
import { AppError } from '../../src/kernel/errors/app-error.ts';

/** What stores of usage share. */
export class MemoryUsage {
  readonly users = new Map<string, RegisteredUser>();
  readonly ranges = new Map<string, UsageRange>();
  readonly totals = new Map<string, SessionHour>();
  readonly packets = new Map<string, PacketRun>();
  readonly legacy: (LegacyCount & { readonly user: string })[] = [];
  /** Calls that reached the store, by name. */
  readonly calls: string[] = [];
}

interface MemoryUsageOptions {
  readonly usage?: MemoryUsage;
  /** Before a call takes effect, and (`<call>: told`) before its answer; may reject, and may wait. */
  readonly step?: (what: string) => Promise<void>;
}

/** A usage store without a disk. */
export class MemoryUsageStore implements UsageStore {
  readonly usage: MemoryUsage;
  readonly #step: (what: string) => Promise<void>;
  #isClosed = false;

  constructor({ usage = new MemoryUsage(), step = () => Promise.resolve() }: MemoryUsageOptions = {}) {
    this.usage = usage;
    this.#step = step;
  }

  async addUser(user: RegisteredUser, signal: AbortSignal): Promise<boolean> {
    assertUser(user);
    return await this.#call('addUser', signal, ({ users }) => users.getOrInsert(user.user, user) === user);
  }

  async findUser(user: string, signal: AbortSignal): Promise<RegisteredUser | undefined> {
    assertText(user);
    return await this.#call('findUser', signal, ({ users }) => users.get(user));
  }

  async removeUser(user: string, signal: AbortSignal): Promise<boolean> {
    assertText(user);
    return await this.#call('removeUser', signal, ({ users }) => users.delete(user));
  }

  async writeRanges(given: readonly UsageRange[], signal: AbortSignal): Promise<void> {
    assertRanges(given);
    await this.#call('writeRanges', signal, ({ ranges, totals }) => {
      for (const range of given) {
        const { user, hourMs, channel, sessionId, flush, total } = range;
        ranges.getOrInsert(keyOf(range, flush), range);
        const known = totals.get(keyOf(range));
        if (!known || known.flush < flush) totals.set(keyOf(range), { user, hourMs, channel, sessionId, flush, ...total });
      }
    });
  }

  async sumUsage(query: UsageQuery, signal: AbortSignal): Promise<readonly UsageSum[]> {
    assertUsageQuery(query);
    return await this.#call('sumUsage', signal, ({ totals }) => {
      const sums = Map.groupBy(within(totals.values(), query).toSorted(inOrder), ({ hourMs, channel }) => `${hourMs} ${channel}`);
      return [...sums.values()].map((rows) =>
        rows.map(({ hourMs, channel, ...row }) => ({ hourMs, channel, ...figuresOf(row) })).reduce(add),
      );
    });
  }

  async listSessions(query: PagedUsageQuery, signal: AbortSignal) {
    assertPagedQuery(query);
    return await this.#call('listSessions', signal, ({ totals }) => {
      const after = query.after && { ...query.after, flush: Number.POSITIVE_INFINITY };
      return pageOf(within(totals.values(), query), { ...query, ...(after && { after }) });
    });
  }

  async listRanges(query: PagedUsageQuery, signal: AbortSignal) {
    assertPagedQuery(query);
    return await this.#call('listRanges', signal, ({ ranges }) =>
      pageOf<StoredRange>(
        within(ranges.values(), query).map(({ total: _total, ...range }) => range),
        query,
      ),
    );
  }

  async listUserHours({ after = '', limit }: { readonly after?: string; readonly limit: number }, signal: AbortSignal) {
    assertLimit(limit);
    return await this.#call('listUserHours', signal, ({ totals }) => {
      const all = new Map([...totals.values()].map(({ user, hourMs }) => [`${user} ${hourMs}`, { user, hourMs }]));
      const found = [...all].filter(([key]) => key > after).toSorted(([one], [other]) => (one < other ? -1 : 1));
      const page = found.slice(0, limit);
      return { rows: page.map(([, row]) => row), next: found.length > limit ? page.at(-1)?.[0] : undefined };
    });
  }

  async logPackets(runs: readonly PacketRun[], signal: AbortSignal): Promise<void> {
    assertRuns(runs);
    await this.#call('logPackets', signal, ({ packets }) => {
      for (const run of runs) packets.set(JSON.stringify([run.user, run.atMs, run.channel, run.sessionId, run.epoch, run.from]), run);
    });
  }

  async listPackets(query: Parameters<UsageStore['listPackets']>[0], signal: AbortSignal) {
    assertPacketsQuery(query);
    const { user, afterMs, toMs } = query;
    return await this.#call('listPackets', signal, ({ packets }) =>
      packetsPage(
        [...packets.values()].filter((run) => run.user === user && run.atMs > afterMs && run.atMs < toMs),
        query,
      ),
    );
  }

  async readLegacyCounts(query: UsageQuery, signal: AbortSignal): Promise<readonly LegacyCount[]> {
    assertUsageQuery(query);
    return await this.#call('readLegacyCounts', signal, ({ legacy }) =>
      within(legacy, query).map(({ hourMs, channel, packets }) => ({ hourMs, channel, packets })),
    );
  }

  async forgetExpired(_nowMs: number, signal: AbortSignal): Promise<void> {
    await this.#call('forgetExpired', signal, () => undefined);
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#call('probe', signal, () => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
  }

  async #call<T>(what: string, signal: AbortSignal, act: (usage: MemoryUsage) => T): Promise<T> {
    signal.throwIfAborted();
    if (this.#isClosed) throw new AppError('usageUnavailable', 'The usage store is closed.');
    await this.#step(what);
    this.usage.calls.push(what);
    const result = act(this.usage);
    await this.#step(`${what}: told`);
    return result;
  }
}

const keyOf = ({ user, hourMs, channel, sessionId }: SessionHourKey, flush?: number): string =>
  JSON.stringify([user, hourMs, channel, sessionId, flush]);

const figuresOf = ({ packets, bytes, mediaMs, dropped }: Pick<UsageSum, 'packets' | 'bytes' | 'mediaMs' | 'dropped'>) => ({
  packets,
  bytes,
  mediaMs,
  dropped,
});

const add = (one: UsageSum, other: UsageSum): UsageSum => ({
  ...one,
  packets: one.packets + other.packets,
  bytes: one.bytes + other.bytes,
  mediaMs: one.mediaMs + other.mediaMs,
  dropped: one.dropped + other.dropped,
});

function within<Row extends { readonly user: string; readonly hourMs: number }>(rows: Iterable<Row>, query: UsageQuery): Row[] {
  return [...rows].filter(({ user, hourMs }) => user === query.user && hourMs >= query.fromMs && hourMs < query.toMs);
}

function pageOf<Row extends UsageCursor>(rows: readonly Row[], { after, limit }: PagedUsageQuery) {
  const behind = rows.toSorted(inOrder).filter((row) => !after || inOrder(row, after) > 0);
  return { rows: behind.slice(0, limit), more: behind.length > limit };
}

function inOrder(one: UsageCursor, other: UsageCursor): number {
  return (
    one.hourMs - other.hourMs ||
    compare(one.channel, other.channel) ||
    compare(one.sessionId, other.sessionId) ||
    (one.flush === other.flush ? 0 : one.flush - other.flush)
  );
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));
