import { backgroundTimer, type StartTimer } from '../time/start-timer.ts';
import type { LogFields, Logger } from './logger.ts';

interface RateLimitedLogOptions {
  readonly logger: Logger;
  /** Lines of one key in a minute; further ones are counted, and the count is logged at the end of that minute. */
  readonly linesPerMinute: number;
  readonly startTimer?: StartTimer;
}

interface Line {
  /** Lines with the same key share a budget, for example `source:<key>`. */
  readonly key: string;
  readonly fields: LogFields;
  readonly message: string;
}

const windowMs = 60_000;
/** Keys told apart in one minute; further ones share one budget, so that memory stays bounded. */
const maxKeys = 1000;

/** Warnings that one client or one broken disk could otherwise write a thousand times a second. */
export class RateLimitedLog {
  readonly #logger: Logger;
  readonly #linesPerMinute: number;
  readonly #startTimer: StartTimer;
  readonly #counts = new Map<string, { lines: number; message: string }>();

  constructor({ logger, linesPerMinute, startTimer = backgroundTimer }: RateLimitedLogOptions) {
    this.#logger = logger;
    this.#linesPerMinute = linesPerMinute;
    this.#startTimer = startTimer;
  }

  warn({ key, fields, message }: Line): void {
    if (this.#counts.size === 0) this.#startTimer(windowMs, () => this.#endWindow());
    const budget = this.#counts.has(key) || this.#counts.size < maxKeys ? key : '';
    const count = this.#counts.get(budget) ?? { lines: 0, message };
    count.lines += 1;
    this.#counts.set(budget, count);
    if (count.lines <= this.#linesPerMinute) this.#logger.warn(fields, message);
  }

  #endWindow(): void {
    for (const [key, { lines, message }] of this.#counts) {
      if (lines > this.#linesPerMinute)
        this.#logger.warn({ key, suppressed: lines - this.#linesPerMinute, like: message }, 'similar lines suppressed');
    }
    this.#counts.clear();
  }
}
