import type { ByteBudget } from '../../kernel/async/byte-budget.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { RateLimitedLog } from '../../kernel/observe/rate-limited-log.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { AmountEncoding } from './encode-event.ts';
import type { EventAppender } from './event-appender.ts';
import type { EventsMeter } from './events-metrics.ts';
import type { CurrentRoutes } from './routes-log.ts';

export interface EventRules {
  readonly maxBodyBytes: number;
  readonly maxEvents: number;
  /** What becomes of a request with events that are not valid: nothing of it is taken, or all but these. */
  readonly onInvalid: 'reject' | 'skip';
  readonly amountEncoding: AmountEncoding;
  /** Lines are taken as they are, valid or not. */
  readonly textPassthrough: boolean;
  /** A content type that is not taken is answered with 400, as it always was, and not with 415. */
  readonly compatStatus: boolean;
  readonly maxFutureSkewMs: number;
}

/** Where events go to. */
export interface EventTarget {
  readonly appender: EventAppender;
  /** Why nothing can be taken at the moment. */
  readonly trouble: () => string | undefined;
  /** The routes of the records to come; undefined while there are none. Errors as those of the log. */
  readonly currentRoutes: () => Promise<CurrentRoutes | undefined>;
}

export interface EventRequestOptions {
  readonly rules: EventRules;
  /** `disabled`: requests are answered, and nothing is done. */
  readonly target: EventTarget | 'disabled';
  readonly budget: ByteBudget;
  readonly meter: EventsMeter;
  readonly rejections: RateLimitedLog;
  readonly logger: Logger;
  readonly clock: Clock;
}
