import { AppError } from '../../kernel/errors/app-error.ts';
import {
  dayMs,
  hourMs,
  maxPageRows,
  maxQueryHours,
  maxTextLength,
  maxTimeMs,
  maxWrittenRanges,
  type PacketRun,
  type PacketsQuery,
  type PagedUsageQuery,
  type RegisteredUser,
  type UsageFigures,
  type UsageQuery,
  type UsageRange,
} from './usage-store.ts';

/** What every adapter refuses before it talks to its store: all are bugs of the caller (`invariantBroken`). */
export function assertUser({ user, registeredAtMs }: RegisteredUser): void {
  assertText(user);
  if (!isTime(registeredAtMs)) broken(`A user is registered at ${registeredAtMs}.`);
}

export function assertText(text: string): void {
  if (text === '' || text.length > maxTextLength || !text.isWellFormed() || text.includes('\0')) {
    broken(`"${text.slice(0, 100)}" is no name of a user, channel or session.`);
  }
}

export function assertRanges(ranges: readonly UsageRange[]): void {
  if (ranges.length > maxWrittenRanges) broken(`${ranges.length} ranges are written at once.`);
  for (const range of ranges) {
    const { user, channel, sessionId, flush, epoch, from, to, total } = range;
    for (const text of [user, channel, sessionId]) assertText(text);
    if (!isHour(range.hourMs)) broken(`A range is of the hour ${range.hourMs}.`);
    if (!Number.isSafeInteger(flush) || flush < 1) broken(`A range has the flush number ${flush}.`);
    if (![epoch, from].every(isCount) || !Number.isSafeInteger(to) || from > to + 1)
      broken(`A range goes from ${from} to ${to} in epoch ${epoch}.`);
    if (!isFigures(range, Number.MIN_SAFE_INTEGER)) broken(`A range has the figures ${figuresText(range)}.`);
    if (!isFigures(total, 0) || !isTime(total.startMs) || !isTime(total.endMs) || total.startMs > total.endMs)
      broken(`A total has the figures ${figuresText(total)} from ${total.startMs} to ${total.endMs}.`);
  }
}

export function assertRuns(runs: readonly PacketRun[]): void {
  if (runs.length > maxWrittenRanges) broken(`${runs.length} runs of packets are logged at once.`);
  for (const { user, atMs, channel, sessionId, ...numbers } of runs) {
    for (const text of [user, channel, sessionId]) assertText(text);
    if (!isTime(atMs) || !Object.values(numbers).every(isCount)) broken(`A run of packets at ${atMs} is ${JSON.stringify(numbers)}.`);
  }
}

export function assertUsageQuery({ user, fromMs, toMs }: UsageQuery): void {
  assertText(user);
  if (!isTime(fromMs) || !isTime(toMs) || fromMs > toMs || toMs - fromMs > maxQueryHours * hourMs)
    broken(`Usage is asked for from ${fromMs} to ${toMs}.`);
}

export function assertPagedQuery(query: PagedUsageQuery): void {
  assertUsageQuery(query);
  assertLimit(query.limit);
}

export function assertPacketsQuery({ user, afterMs, toMs, limit }: PacketsQuery): void {
  assertText(user);
  if (!isTime(afterMs + 1) || !isTime(toMs) || toMs - afterMs > (maxQueryHours / 24) * dayMs)
    broken(`Packets are asked for after ${afterMs} and before ${toMs}.`);
  assertLimit(limit);
}

export function assertLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > maxPageRows) broken(`A page of ${limit} rows is asked for.`);
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isTime = (value: number): boolean => isCount(value) && value <= maxTimeMs;
const isHour = (value: number): boolean => isTime(value) && value % hourMs === 0;

const isFigures = ({ packets, bytes, mediaMs, dropped }: UsageFigures, least: number): boolean =>
  [packets, bytes, mediaMs].every((value) => Number.isSafeInteger(value) && value >= least) && isCount(dropped);

const figuresText = ({ packets, bytes, mediaMs, dropped }: UsageFigures): string => JSON.stringify({ packets, bytes, mediaMs, dropped });

function broken(message: string): never {
  throw new AppError('invariantBroken', message);
}
