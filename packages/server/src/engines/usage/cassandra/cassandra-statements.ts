import { dayMs, type PacketRun, type PacketsQuery, type RegisteredUser, type UsageCursor, type UsageRange } from '../usage-store.ts';
import type { Statement } from './cassandra-session.ts';

interface Lifetimes {
  /** Milliseconds; 0: for good. */
  readonly rangesMs: number;
  readonly packetsMs: number;
}

interface UserHour {
  readonly user: string;
  readonly hourMs: number;
}

const figures = 'packets, bytes, media_ms, dropped';
const rangeColumns = `user_id, hour, channel_id, session_id, flush, epoch, first_sequence, last_sequence, ${figures}`;
const totalColumns = `user_id, hour, channel_id, session_id, flush, ${figures}, start_time, end_time`;
const runColumns = 'user_id, day, at, channel_id, session_id, epoch, first_sequence, last_sequence, packets, bytes';
const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ');
const date = (ms: number): Date => new Date(ms);
/** 0 in CQL too: for good. */
const seconds = (ms: number): number => Math.ceil(ms / 1000);

export const startOfDay = (ms: number): number => Math.floor(ms / dayMs) * dayMs;

/** Statements of the usage store with their bound parameters; texts of callers are never part of a statement. */
export class CassandraStatements {
  readonly #keyspace: string;
  readonly #lifetimes: Lifetimes;

  constructor(keyspace: string, lifetimes: Lifetimes) {
    this.#keyspace = keyspace;
    this.#lifetimes = lifetimes;
  }

  addUser({ user, registeredAtMs }: RegisteredUser): Statement {
    return { query: `INSERT INTO ${this.#keyspace}.users (user_id, timestamp) VALUES (?, ?)`, params: [user, date(registeredAtMs)] };
  }

  findUser(user: string): Statement {
    return { query: `SELECT timestamp FROM ${this.#keyspace}.users WHERE user_id = ? LIMIT 1`, params: [user] };
  }

  removeUser(user: string): Statement {
    return { query: `DELETE FROM ${this.#keyspace}.users WHERE user_id = ?`, params: [user] };
  }

  /**
   * A range, and the total beside it. The flush number is the time of writing of a total, so that of all totals of a session and hour
   * the latest flush wins, in whatever order they arrive.
   */
  range({ user, hourMs, channel, sessionId, flush, total, ...range }: UsageRange): readonly [Statement, Statement] {
    const key = [user, date(hourMs), channel, sessionId, BigInt(flush)];
    const of = (from: typeof total | typeof range) => [from.packets, from.bytes, from.mediaMs, from.dropped].map(BigInt);
    const places = [range.epoch, range.from, range.to].map(BigInt);
    return [
      {
        query: `INSERT INTO ${this.#keyspace}.usage_ranges (${rangeColumns}) VALUES (${marks(12)}) USING TTL ?`,
        params: [...key, ...places, ...of(range), seconds(this.#lifetimes.rangesMs)],
      },
      {
        query: `INSERT INTO ${this.#keyspace}.usage_totals (${totalColumns}) VALUES (${marks(11)}) USING TIMESTAMP ?`,
        params: [...key, ...of(total), date(total.startMs), date(total.endMs), BigInt(flush)],
      },
    ];
  }

  sum({ user, hourMs }: UserHour): Statement {
    const sums = ['packets', 'bytes', 'media_ms', 'dropped'].map((name) => `sum(${name}) AS ${name}`).join(', ');
    return {
      query: `SELECT hour, channel_id, ${sums} FROM ${this.#keyspace}.usage_totals WHERE user_id = ? AND hour = ? GROUP BY channel_id`,
      params: [user, date(hourMs)],
    };
  }

  sessions({ user, hourMs }: UserHour, { after, limit }: { readonly after: UsageCursor; readonly limit: number }): Statement {
    return {
      query: `SELECT ${totalColumns} FROM ${this.#keyspace}.usage_totals WHERE user_id = ? AND hour = ?
        AND (channel_id, session_id) > (?, ?) LIMIT ?`,
      params: [user, date(hourMs), after.channel, after.sessionId, limit],
    };
  }

  ranges({ user, hourMs }: UserHour, { after, limit }: { readonly after: UsageCursor; readonly limit: number }): Statement {
    return {
      query: `SELECT ${rangeColumns} FROM ${this.#keyspace}.usage_ranges WHERE user_id = ? AND hour = ?
        AND (channel_id, session_id, flush) > (?, ?, ?) LIMIT ?`,
      params: [user, date(hourMs), after.channel, after.sessionId, BigInt(after.flush), limit],
    };
  }

  userHours(): Statement {
    return { query: `SELECT DISTINCT user_id, hour FROM ${this.#keyspace}.usage_totals`, params: [] };
  }

  logRun({ user, atMs, channel, sessionId, epoch, from, to, packets, bytes }: PacketRun): Statement {
    return {
      query: `INSERT INTO ${this.#keyspace}.packet_log (${runColumns}) VALUES (${marks(10)}) USING TTL ?`,
      params: [
        ...[user, date(startOfDay(atMs)), date(atMs), channel, sessionId],
        ...[epoch, from, to, packets, bytes].map(BigInt),
        seconds(this.#lifetimes.packetsMs),
      ],
    };
  }

  runs({ user, afterMs, toMs, limit }: PacketsQuery, dayStartMs: number): Statement {
    return {
      query: `SELECT ${runColumns} FROM ${this.#keyspace}.packet_log WHERE user_id = ? AND day = ? AND at > ? AND at < ? LIMIT ?`,
      params: [user, date(dayStartMs), date(afterMs), date(toMs), limit + 1],
    };
  }

  legacyPackets({ user, afterMs, toMs, limit }: PacketsQuery): Statement {
    return {
      query: `SELECT timestamp, channel_id, sequence_number FROM ${this.#keyspace}.packets
        WHERE user_id = ? AND timestamp > ? AND timestamp < ? ORDER BY timestamp ASC LIMIT ?`,
      params: [user, date(afterMs), date(toMs), limit + 1],
    };
  }

  legacyCounts(user: string, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): Statement {
    return {
      query: `SELECT hour, channel_id, pkt_count FROM ${this.#keyspace}.hourly_usage WHERE user_id = ? AND hour >= ? AND hour < ?`,
      params: [user, date(fromMs), date(toMs)],
    };
  }
}
