import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { parseJson } from '../../../kernel/codec/json.ts';
import { packetsPage } from '../packets-page.ts';
import {
  dayMs,
  hourMs,
  type PacketRun,
  type PacketsPage,
  type PacketsQuery,
  type PagedUsageQuery,
  type StoredRange,
  type UsagePage,
  type UsageRange,
  type UserHoursPage,
} from '../usage-store.ts';
import type { UsageHandlers, UsageWorkerOptions } from './usage-protocol.ts';
import { integerOf, type Row, rangeOf, runOf, sessionHourOf, sumOf, textOf } from './usage-rows.ts';
import { prepareUsageDatabase } from './usage-schema.ts';

const userHourSchema = z.tuple([z.string(), z.int()]);
const startOf = (timeMs: number, stepMs: number): number => Math.floor(timeMs / stepMs) * stepMs;

/** The database of one file, as answers to the questions of the protocol. Every write is one durable commit. */
export function openUsageDatabase({ file, rangesMs, packetsMs }: UsageWorkerOptions): UsageHandlers {
  const database = new DatabaseSync(file);
  try {
    prepareUsageDatabase(database);
  } catch (error) {
    database.close();
    throw error;
  }
  const statements = prepareStatements(database);
  const atomically = (work: () => void): undefined => {
    database.exec('BEGIN IMMEDIATE');
    try {
      work();
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
    return undefined;
  };
  return {
    addUser: ({ user, registeredAtMs }) => statements.addUser.run(user, registeredAtMs).changes > 0,
    findUser: (user) => {
      const row = statements.findUser.get(user);
      return row && { user, registeredAtMs: integerOf(row, 'registered_at') };
    },
    removeUser: (user) => statements.removeUser.run(user).changes > 0,
    writeRanges: (ranges) => atomically(() => ranges.forEach(writeRange)),
    sumUsage: ({ user, fromMs, toMs }) => statements.sum.all(user, fromMs, toMs).map(sumOf),
    listSessions: ({ user, fromMs, toMs, after, limit }) => {
      const { hourMs: hour, channel, sessionId } = after ?? beginning;
      const rows = statements.sessions.all(user, fromMs, toMs, hour, channel, sessionId, limit + 1);
      return { rows: rows.slice(0, limit).map(sessionHourOf), more: rows.length > limit };
    },
    listRanges,
    listUserHours,
    logPackets: (runs) => atomically(() => runs.forEach(logRun)),
    listPackets,
    forgetExpired: (nowMs) =>
      atomically(() => {
        if (rangesMs > 0) statements.forgetRanges.run(startOf(nowMs - rangesMs, hourMs));
        if (packetsMs > 0) statements.forgetPackets.run(startOf(nowMs - packetsMs, dayMs));
      }),
    probe: () => undefined,
    close: () => {
      database.close();
      return undefined;
    },
  };

  function writeRange({ user, hourMs: hour, channel, sessionId, flush, total, ...range }: UsageRange): void {
    const { epoch, from, to, packets, bytes, mediaMs, dropped } = range;
    statements.range.run(hour, user, channel, sessionId, flush, epoch, from, to, packets, bytes, mediaMs, dropped);
    const { startMs, endMs } = total;
    const figures = [total.packets, total.bytes, total.mediaMs, total.dropped] as const;
    statements.total.run(user, hour, channel, sessionId, flush, ...figures, startMs, endMs);
  }

  function logRun({ user, atMs, channel, sessionId, epoch, from, to, packets, bytes }: PacketRun): void {
    statements.logRun.run(startOf(atMs, dayMs), user, atMs, channel, sessionId, epoch, from, to, packets, bytes);
  }

  function listRanges({ user, fromMs, toMs, after, limit }: PagedUsageQuery): UsagePage<StoredRange> {
    const rows: StoredRange[] = [];
    const first = Math.ceil(Math.max(fromMs, after?.hourMs ?? 0) / hourMs) * hourMs;
    for (let hour = first; hour < toMs && rows.length <= limit; hour += hourMs) {
      const { channel, sessionId, flush } = after?.hourMs === hour ? after : beginning;
      rows.push(...statements.ranges.all(hour, user, channel, sessionId, flush, limit + 1 - rows.length).map(rangeOf));
    }
    return { rows: rows.slice(0, limit), more: rows.length > limit };
  }

  function listUserHours({ after, limit }: { readonly after?: string; readonly limit: number }): UserHoursPage {
    const [user, hour] = after === undefined ? (['', 0] as const) : parseJson(after, userHourSchema, 'A place in a list');
    const rows = statements.userHours.all(user, hour, limit).map((row) => ({ user: textOf(row, 'user'), hourMs: integerOf(row, 'hour') }));
    const last = rows.at(-1);
    return { rows, next: last && rows.length === limit ? JSON.stringify([last.user, last.hourMs]) : undefined };
  }

  function listPackets(query: PacketsQuery): PacketsPage {
    const { user, afterMs, toMs, limit } = query;
    const found: PacketRun[] = [];
    for (let day = startOf(afterMs + 1, dayMs); day < toMs && found.length <= limit; day += dayMs) {
      const rows: Row[] = statements.runs.all(day, user, afterMs, toMs, limit + 1 - found.length);
      found.push(...rows.map(runOf));
    }
    return packetsPage(found, query);
  }
}

const beginning = { hourMs: 0, channel: '', sessionId: '', flush: 0 };

function prepareStatements(database: DatabaseSync) {
  const figures = 'packets, bytes, media_ms, dropped';
  return {
    addUser: database.prepare('INSERT INTO users VALUES (?, ?) ON CONFLICT DO NOTHING'),
    findUser: database.prepare('SELECT registered_at FROM users WHERE user = ?'),
    removeUser: database.prepare('DELETE FROM users WHERE user = ?'),
    range: database.prepare(`INSERT INTO ranges (hour, user, channel, session, flush, epoch, first, last, ${figures})
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
    total: database.prepare(`INSERT INTO totals (user, hour, channel, session, flush, ${figures}, start_ms, end_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET flush = excluded.flush, packets = excluded.packets,
      bytes = excluded.bytes, media_ms = excluded.media_ms, dropped = excluded.dropped, start_ms = excluded.start_ms,
      end_ms = excluded.end_ms WHERE excluded.flush > flush`),
    sum: database.prepare(`SELECT hour, channel, sum(packets) AS packets, sum(bytes) AS bytes, sum(media_ms) AS media_ms,
      sum(dropped) AS dropped FROM totals WHERE user = ? AND hour >= ? AND hour < ? GROUP BY hour, channel ORDER BY hour, channel`),
    sessions: database.prepare(`SELECT * FROM totals WHERE user = ? AND hour >= ? AND hour < ? AND (hour, channel, session) > (?, ?, ?)
      ORDER BY hour, channel, session LIMIT ?`),
    ranges: database.prepare(`SELECT * FROM ranges WHERE hour = ? AND user = ? AND (channel, session, flush) > (?, ?, ?)
      ORDER BY channel, session, flush LIMIT ?`),
    userHours: database.prepare('SELECT DISTINCT user, hour FROM totals WHERE (user, hour) > (?, ?) ORDER BY user, hour LIMIT ?'),
    logRun: database.prepare('INSERT INTO packet_log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    runs: database.prepare('SELECT * FROM packet_log WHERE day = ? AND user = ? AND at > ? AND at < ? ORDER BY at LIMIT ?'),
    forgetRanges: database.prepare('DELETE FROM ranges WHERE hour < ?'),
    forgetPackets: database.prepare('DELETE FROM packet_log WHERE day < ?'),
  };
}
