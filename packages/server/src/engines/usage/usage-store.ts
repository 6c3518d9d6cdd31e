/**
 * Port: who may watch channels, and what was delivered to whom.
 *
 * Usage is written as ranges: what one session was handed between two flushes, under the key (user, hour, channel, session, flush).
 * Beside the range goes the total of the session in that hour through that flush; of the totals of a session and hour the one with the
 * highest flush number holds. So writing a range again, in any order and from any process, changes nothing, and a sum of totals is a
 * sum of ranges. A key must not be written with another value.
 *
 * Durability: when a write resolves, its effect survives the death of the process.
 * In doubt: when a write rejects, all, none or some of it may be stored. The caller writes the same again.
 * Deadlines: every call ends within the time limit that the store was opened with, or when its signal aborts: then it rejects with
 * the signal's reason. A store that makes its tables does so at the first call, and again after a failure.
 * Errors: `usageUnavailable` (retry; the message says what the store said), `invariantBroken` for what breaks the rules below.
 * Texts are any well-formed text of 1 to `maxTextLength` characters without NUL; none of them is ever read as a statement.
 */
export interface UsageStore extends AsyncDisposable {
  /** True where the user was not there before. One that is there stays as it is. */
  addUser(user: RegisteredUser, signal: AbortSignal): Promise<boolean>;
  /** With the time of its last registration. */
  findUser(user: string, signal: AbortSignal): Promise<RegisteredUser | undefined>;
  /** False where there was none. Usage stays. */
  removeUser(user: string, signal: AbortSignal): Promise<boolean>;
  /** At most `maxWrittenRanges`; in any order, of any users. */
  writeRanges(ranges: readonly UsageRange[], signal: AbortSignal): Promise<void>;
  /** Totals by hour and channel, in this order; an hour and channel without a session is left out. */
  sumUsage(query: UsageQuery, signal: AbortSignal): Promise<readonly UsageSum[]>;
  /** Totals by hour, channel and session, in this order. */
  listSessions(query: PagedUsageQuery, signal: AbortSignal): Promise<UsagePage<SessionHour>>;
  /** Ranges by hour, channel, session and flush, in this order. Those that are older than the store keeps them are gone. */
  listRanges(query: PagedUsageQuery, signal: AbortSignal): Promise<UsagePage<StoredRange>>;
  /** Every user and hour with usage, once, in an order of the store. `after` is the `next` of the page before. */
  listUserHours(query: { readonly after?: string; readonly limit: number }, signal: AbortSignal): Promise<UserHoursPage>;
  /** A row that is there already changes nothing. At most `maxWrittenRanges`. */
  logPackets(runs: readonly PacketRun[], signal: AbortSignal): Promise<void>;
  /** By time, then channel, session, epoch and number. Rows of the original's `packets` come as runs of one packet without a session. */
  listPackets(query: PacketsQuery, signal: AbortSignal): Promise<PacketsPage>;
  /** The counters of the original system, by hour and channel; they are read only. A store that never was the original's has none. */
  readLegacyCounts(query: UsageQuery, signal: AbortSignal): Promise<readonly LegacyCount[]>;
  /** Deletes what is older than it is kept; a store that does so by itself has nothing to do. */
  forgetExpired(nowMs: number, signal: AbortSignal): Promise<void>;
  /** Resolves when the store answers. */
  probe(signal: AbortSignal): Promise<void>;
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
export const maxTextLength = 200;
export const maxWrittenRanges = 1000;
/** Rows of a page. */
export const maxPageRows = 5000;
/** Hours of a query, and days of a query of packets. */
export const maxQueryHours = 31 * 24;
/** The latest time that a store takes: end of the year 9999. */
export const maxTimeMs = 253_402_300_799_999;

export interface RegisteredUser {
  readonly user: string;
  readonly registeredAtMs: number;
}

/** What a session was handed. Whole numbers; of a correction packets, bytes and media time are negative. */
export interface UsageFigures {
  readonly packets: number;
  /** Of payload. */
  readonly bytes: number;
  readonly mediaMs: number;
  /** Packets that were given up for the session. Never negative. */
  readonly dropped: number;
}

export interface UsageTotal extends UsageFigures {
  /** When the session was handed something in this hour for the first and for the last time. */
  readonly startMs: number;
  readonly endMs: number;
}

export interface SessionHourKey {
  readonly user: string;
  /** Start of an hour in UTC, milliseconds. */
  readonly hourMs: number;
  readonly channel: string;
  readonly sessionId: string;
}

/** Packets `from` to `to` of an epoch, both included, with gaps; 0 to -1 where there are none. */
export interface UsageRange extends SessionHourKey, UsageFigures {
  /** Rises within a session, from 1 on. */
  readonly flush: number;
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  /** Of the session in this hour, this range included. Never negative. */
  readonly total: UsageTotal;
}

export type StoredRange = Omit<UsageRange, 'total'>;

export interface SessionHour extends SessionHourKey, UsageTotal {
  /** Through which the total counts. */
  readonly flush: number;
}

export interface UsageSum extends UsageFigures {
  readonly hourMs: number;
  readonly channel: string;
}

/** Hours that start from `fromMs` on, and before `toMs`; at most `maxQueryHours`. */
export interface UsageQuery {
  readonly user: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PagedUsageQuery extends UsageQuery {
  /** Of the last row of the page before. */
  readonly after?: UsageCursor;
  /** From 1 to `maxPageRows`. */
  readonly limit: number;
}

/** A place in the order of a list; `flush` counts for ranges only. */
export interface UsageCursor {
  readonly hourMs: number;
  readonly channel: string;
  readonly sessionId: string;
  readonly flush: number;
}

export interface UsagePage<Row> {
  readonly rows: readonly Row[];
  /** Whether rows may follow; then the page is not empty. */
  readonly more: boolean;
}

export interface UserHoursPage {
  readonly rows: readonly { readonly user: string; readonly hourMs: number }[];
  /** Undefined: that was all. */
  readonly next: string | undefined;
}

/** Packets `from` to `to` of an epoch that were handed to a session at once. */
export interface PacketRun {
  readonly user: string;
  readonly atMs: number;
  readonly channel: string;
  readonly sessionId: string;
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  readonly packets: number;
  readonly bytes: number;
}

/** Times after `afterMs` and before `toMs`, on at most `maxQueryHours / 24` days. */
export interface PacketsQuery {
  readonly user: string;
  readonly afterMs: number;
  readonly toMs: number;
  readonly limit: number;
}

/**
 * Runs of one millisecond are never on two pages; where there are more of them than a page takes, the rest is left out.
 * `more`: the next page is behind `throughMs`.
 */
export interface PacketsPage {
  readonly rows: readonly PacketRun[];
  readonly more: boolean;
  readonly throughMs: number;
}

export interface LegacyCount {
  readonly hourMs: number;
  readonly channel: string;
  readonly packets: number;
}
