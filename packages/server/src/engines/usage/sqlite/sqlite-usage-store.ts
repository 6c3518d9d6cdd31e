import { withinDeadline } from '../../../kernel/async/within-deadline.ts';
import { AppError } from '../../../kernel/errors/app-error.ts';
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
import type {
  LegacyCount,
  PacketRun,
  PacketsPage,
  PacketsQuery,
  PagedUsageQuery,
  RegisteredUser,
  SessionHour,
  StoredRange,
  UsagePage,
  UsageQuery,
  UsageRange,
  UsageStore,
  UsageSum,
  UserHoursPage,
} from '../usage-store.ts';
import type { AnswerTo, UsageCallName, UsageCalls, UsageWorkerOptions } from './usage-protocol.ts';
import { WorkerLink } from './worker-link.ts';

interface SqliteUsageOptions extends UsageWorkerOptions {
  readonly timeoutMs: number;
  readonly startTimer: StartTimer;
}

/**
 * Usage in one SQLite file, WAL and FULL sync, in a worker thread that starts with the first call, and again after its death.
 * Questions are answered in order.
 */
export class SqliteUsageStore implements UsageStore {
  readonly #options: SqliteUsageOptions;
  #link: Promise<WorkerLink> | undefined;
  #state: 'open' | 'closed' = 'open';

  constructor(options: SqliteUsageOptions) {
    this.#options = options;
  }

  async addUser(user: RegisteredUser, signal: AbortSignal): Promise<boolean> {
    assertUser(user);
    return (await this.#ask('addUser', user, signal)).output;
  }

  async findUser(user: string, signal: AbortSignal): Promise<RegisteredUser | undefined> {
    assertText(user);
    return (await this.#ask('findUser', user, signal)).output;
  }

  async removeUser(user: string, signal: AbortSignal): Promise<boolean> {
    assertText(user);
    return (await this.#ask('removeUser', user, signal)).output;
  }

  async writeRanges(ranges: readonly UsageRange[], signal: AbortSignal): Promise<void> {
    assertRanges(ranges);
    await this.#ask('writeRanges', ranges, signal);
  }

  async sumUsage(query: UsageQuery, signal: AbortSignal): Promise<readonly UsageSum[]> {
    assertUsageQuery(query);
    return (await this.#ask('sumUsage', query, signal)).output;
  }

  async listSessions(query: PagedUsageQuery, signal: AbortSignal): Promise<UsagePage<SessionHour>> {
    assertPagedQuery(query);
    return (await this.#ask('listSessions', query, signal)).output;
  }

  async listRanges(query: PagedUsageQuery, signal: AbortSignal): Promise<UsagePage<StoredRange>> {
    assertPagedQuery(query);
    return (await this.#ask('listRanges', query, signal)).output;
  }

  async listUserHours(query: { readonly after?: string; readonly limit: number }, signal: AbortSignal): Promise<UserHoursPage> {
    assertLimit(query.limit);
    return (await this.#ask('listUserHours', query, signal)).output;
  }

  async logPackets(runs: readonly PacketRun[], signal: AbortSignal): Promise<void> {
    assertRuns(runs);
    await this.#ask('logPackets', runs, signal);
  }

  async listPackets(query: PacketsQuery, signal: AbortSignal): Promise<PacketsPage> {
    assertPacketsQuery(query);
    return (await this.#ask('listPackets', query, signal)).output;
  }

  async readLegacyCounts(query: UsageQuery, signal: AbortSignal): Promise<readonly LegacyCount[]> {
    assertUsageQuery(query);
    signal.throwIfAborted();
    return [];
  }

  async forgetExpired(nowMs: number, signal: AbortSignal): Promise<void> {
    await this.#ask('forgetExpired', nowMs, signal);
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#ask('probe', undefined, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#state = 'closed';
    const link = await this.#link?.catch(() => undefined);
    await link?.close();
  }

  #ask<Name extends UsageCallName>(name: Name, input: UsageCalls[Name]['input'], signal: AbortSignal): Promise<AnswerTo<Name>> {
    const { timeoutMs, startTimer, file } = this.#options;
    const what = `The usage file ${file} (${name})`;
    return withinDeadline({ what, code: 'usageUnavailable', timeoutMs, startTimer, signal }, async () =>
      (await this.#open()).ask(name, input),
    );
  }

  async #open(): Promise<WorkerLink> {
    if (this.#state === 'closed') throw new AppError('usageUnavailable', 'The usage store is closed.');
    const { file, rangesMs, packetsMs } = this.#options;
    this.#link ??= WorkerLink.open({ file, rangesMs, packetsMs });
    const opening = this.#link;
    const link = await opening.catch(() => undefined);
    if (link && !link.hasEnded) return link;
    if (this.#link === opening) this.#link = undefined;
    return await (link ? this.#open() : opening);
  }
}
