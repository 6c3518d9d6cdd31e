import { Backoff } from '../../../kernel/async/backoff.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import { errorText, isAppError } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';

interface RetryOptions {
  /** Nothing is tried again once it has aborted. */
  readonly end: AbortSignal;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly random: () => number;
  readonly logger: Logger;
}

/** A success counts once it has held for a while: what flaps is tried as seldom as what fails. */
const waits = { initialMs: 100, maxMs: 10_000, holdMs: 10_000 };

/** Tries again what others must be up for, and remembers what is wrong meanwhile. */
export class Retry {
  readonly #options: RetryOptions;
  readonly #troubles = new Map<symbol, string>();

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** What fails now, for readiness; undefined while nothing does. */
  get trouble(): string | undefined {
    return this.#troubles.values().next().value;
  }

  /**
   * The result of the first attempt that works. Rejects with the error of the attempt where it is a bug, or behind the end.
   * `what` begins the sentence about the trouble. An attempt that lasts says by `works` that nothing is wrong any more.
   */
  async run<T>(what: string, attempt: (works: () => void) => Promise<T>): Promise<T> {
    const { end, clock, startTimer, random, logger } = this.#options;
    const backoff = new Backoff({ ...waits, clock, random });
    const name = Symbol(what);
    let logged = '';
    const works = (): void => {
      backoff.succeeded();
      this.#troubles.delete(name);
      if (logged !== '') logger.info({ trouble: logged }, 'it works again');
      logged = '';
    };
    for (;;) {
      try {
        const result = await attempt(works);
        works();
        return result;
      } catch (error) {
        const mayWork = !end.aborted && isAppError(error) && error.disposition !== 'bug';
        const text = `${what}: ${errorText(error)}`;
        if (mayWork && text !== logged) logger.warn({ code: error.code, error: errorText(error) }, what);
        logged = text;
        this.#troubles.set(name, text);
        if (mayWork && (await sleep(backoff.next(), end, startTimer))) continue;
        this.#troubles.delete(name);
        throw error;
      }
    }
  }
}
