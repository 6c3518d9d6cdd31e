import { hourMs, maxWrittenRanges, type UsageRange, type UsageStore } from '../../engines/usage/usage-store.ts';
import { Backoff } from '../../kernel/async/backoff.ts';
import { errorText, isAppError } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { CheckResult } from '../../kernel/observe/readiness.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import type { SessionAccount, SessionAccounts, SessionIdentity } from './session-account.ts';
import { PacketLog } from './usage/packet-log.ts';
import { SessionUsage } from './usage/session-usage.ts';
import { storableName } from './usage/storable-name.ts';
import { UsageJournal } from './usage/usage-journal.ts';
import type { UsageMeter } from './usage-metrics.ts';

export interface UsageAccountsOptions {
  readonly store: UsageStore;
  /** The journal; its folder must exist. */
  readonly journalFile: string;
  readonly flushMs: number;
  /** Media time of a packet of the channel, milliseconds. */
  readonly packetMsOf: (channel: string) => number;
  readonly packetLog: 'off' | 'sampled' | 'full';
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly logger: Logger;
  readonly meter: UsageMeter;
  /** Rows that may wait for the store; what would need more is lost, and counted. */
  readonly maxWaiting?: number;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

const defaultMaxWaiting = 100_000;
const maxRetryMs = 5000;
/** At the end the store has this time; then what it has not taken stays in the journal. */
const closeWithinMs = 3000;

/**
 * The accounts of all sessions, and their way into the store.
 *
 * Every `flushMs` in which something was counted, the ranges of all sessions become one batch: it is written to the journal, then to
 * the store. A batch that was sent does not change any more; it is sent again until the store has taken it. Meanwhile sessions go on
 * counting, a row for each session, hour and epoch, and the journal is given what they have counted every `flushMs`. So a crash loses
 * at most what was counted since the last flush, and what the journal holds is written again under the same keys, which changes nothing.
 *
 * Nothing runs while nothing is counted.
 */
export class UsageAccounts implements SessionAccounts, AsyncDisposable {
  readonly #options: UsageAccountsOptions;
  readonly #journal: UsageJournal;
  readonly #packetLog: PacketLog;
  readonly #backoff: Backoff;
  readonly #end = new AbortController();
  /** Sessions with rows that no batch has yet. */
  readonly #counting = new Set<SessionUsage>();
  /** Their rows. */
  #rows = 0;
  #open = 0;
  /** Sent, or about to be, and not known to be stored. */
  #batch: readonly UsageRange[] = [];
  /** The batch that the journal has. */
  #kept: readonly UsageRange[] = [];
  #trouble: string | undefined;
  #cancelTimer: (() => void) | undefined;
  #flushing: Promise<void> | undefined;
  /** Something came while a flush was under way. */
  #isDueAgain = false;
  #sending: Promise<void> | undefined;
  #retryAt = Number.NEGATIVE_INFINITY;
  #forgotAt = Number.NEGATIVE_INFINITY;

  private constructor(options: UsageAccountsOptions, journal: UsageJournal, left: readonly UsageRange[]) {
    this.#options = options;
    this.#journal = journal;
    this.#batch = left;
    this.#kept = left;
    const { store, meter, clock, flushMs, random = Math.random } = options;
    this.#packetLog = new PacketLog({ store, lost: (runs) => meter.packetLogLost(runs) });
    this.#backoff = new Backoff({ initialMs: Math.min(flushMs, maxRetryMs), maxMs: maxRetryMs, clock, random });
    meter.watch({ waiting: () => this.waiting, accounts: () => this.#open });
    if (left.length > 0) this.#schedule();
  }

  /** Takes over what an earlier process has left in the journal. */
  static async open(options: UsageAccountsOptions): Promise<UsageAccounts> {
    const journal = new UsageJournal(options.journalFile, options.logger);
    const left = await journal.read();
    if (left.length > 0) options.logger.info({ ranges: left.length }, 'usage of an earlier run is written again');
    return new UsageAccounts(options, journal, left);
  }

  open(session: SessionIdentity): SessionAccount {
    const { clock, packetLog, packetMsOf, meter, maxWaiting = defaultMaxWaiting } = this.#options;
    this.#open += 1;
    return new SessionUsage({
      session: { ...session, channel: storableName(session.channel) },
      packetMs: packetMsOf(session.channel),
      book: {
        clock,
        packetLog,
        takeRow: (account) => {
          if (this.waiting >= maxWaiting) return false;
          this.#rows += 1;
          this.#counting.add(account);
          this.#schedule();
          return true;
        },
        lost: (packets) => meter.lost(packets),
        closed: () => {
          this.#open -= 1;
        },
        log: (run) => this.#packetLog.add(run),
      },
    });
  }

  /** Ranges that the store does not have yet. */
  get waiting(): number {
    return this.#batch.length + this.#rows;
  }

  /** Not ready while the store does not take usage. */
  check(): CheckResult {
    if (this.#trouble === undefined) return { ready: true };
    return { ready: false, detail: `${this.#trouble}; ${this.waiting} ranges wait` };
  }

  /** Writes what was counted; what the store does not take stays in the journal. Sessions must be closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = () => {};
    const cancelEnd = this.#options.startTimer(closeWithinMs, () => this.#end.abort(new Error('the process stops')));
    await this.#flushing;
    await this.#sending;
    // Once for what was sent before and once for what was counted since.
    for (let time = 0; time < 2 && this.waiting > 0; time += 1) {
      this.#retryAt = Number.NEGATIVE_INFINITY;
      await this.#flush();
      await this.#sending;
    }
    if (this.waiting === 0) await this.#journal.clear();
    else this.#options.logger.warn({ ranges: this.waiting }, 'usage waits in the journal for the next start');
    cancelEnd();
  }

  /** One flush after the other: of two at once, the one that is older could replace the journal of the other. */
  #schedule(): void {
    if (this.#flushing !== undefined) {
      this.#isDueAgain = true;
      return;
    }
    this.#cancelTimer ??= this.#options.startTimer(this.#options.flushMs, () => {
      this.#cancelTimer = undefined;
      this.#isDueAgain = false;
      this.#flushing = this.#flush().finally(() => {
        this.#flushing = undefined;
        if (this.waiting > 0 || this.#isDueAgain) this.#schedule();
      });
    });
  }

  /** Never rejects. */
  async #flush(): Promise<void> {
    const isFree = this.#sending === undefined && this.#batch.length === 0;
    if (isFree) this.#cut();
    await this.#keep();
    if (this.#sending === undefined && this.#batch.length > 0 && this.#options.clock.monotonic() >= this.#retryAt) {
      this.#sending = this.#send().finally(() => {
        this.#sending = undefined;
      });
    }
  }

  #cut(): void {
    const ranges = [...this.#counting].flatMap((account) => account.cut());
    this.#counting.clear();
    this.#rows = 0;
    this.#batch = ranges;
  }

  /** The journal holds what is sent before it is sent. */
  async #keep(): Promise<void> {
    if (this.#counting.size === 0 && this.#kept === this.#batch) return;
    const { logger, meter } = this.#options;
    const batch = this.#batch;
    const ranges = [...this.#batch, ...[...this.#counting].flatMap((account) => account.peek())];
    try {
      if (ranges.length > 0) await this.#journal.write(ranges);
      else await this.#journal.clear();
      this.#kept = batch;
    } catch (error) {
      meter.journalFailed();
      logger.error({ error: errorText(error) }, 'the journal of usage cannot be written');
    }
  }

  /** Never rejects. */
  async #send(): Promise<void> {
    const { store, clock, meter, logger } = this.#options;
    const { signal } = this.#end;
    const startedAt = clock.monotonic();
    const ranges = this.#batch;
    try {
      for (let from = 0; from < ranges.length; from += maxWrittenRanges)
        await store.writeRanges(ranges.slice(from, from + maxWrittenRanges), signal);
    } catch (error) {
      const text = errorText(error);
      if (this.#trouble !== text) logger.warn({ ranges: ranges.length, error: text }, 'usage cannot be stored; it is kept');
      this.#trouble = text;
      this.#retryAt = clock.monotonic() + this.#backoff.next();
      meter.flushFailed(isAppError(error) ? error.code : 'internalError');
      return;
    }
    const ms = clock.monotonic() - startedAt;
    if (this.#trouble !== undefined) logger.info({ ranges: ranges.length }, 'usage is stored again');
    this.#trouble = undefined;
    this.#backoff.reset();
    this.#retryAt = Number.NEGATIVE_INFINITY;
    this.#batch = [];
    meter.flushed(ranges.length, ms / 1000);
    logger.debug({ rows: ranges.length, ms }, 'usage.flush');
    await this.#tidy();
  }

  /** What is no part of the bill. */
  async #tidy(): Promise<void> {
    const { store, clock, logger } = this.#options;
    try {
      await this.#packetLog.flush(this.#end.signal);
      if (clock.monotonic() - this.#forgotAt < hourMs) return;
      this.#forgotAt = clock.monotonic();
      await store.forgetExpired(clock.now(), this.#end.signal);
    } catch (error) {
      logger.warn({ error: errorText(error) }, 'the packet log or old ranges could not be written or deleted');
    }
  }
}
