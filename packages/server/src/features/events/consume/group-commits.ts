import type { OwnedPartition } from '../../../engines/log/log-engine.ts';
import { sleep } from '../../../kernel/async/sleep.ts';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';

interface CommitOptions {
  readonly owned: OwnedPartition;
  /** Nothing waits any more once it has aborted. */
  readonly end: AbortSignal;
  readonly startTimer: StartTimer;
  readonly logger: Logger;
}

const betweenMs = 1000;

/** Tells the group how far a partition is stored, at most once a second: for its lag, its retention, and stores without progress of their own. */
export class GroupCommits {
  readonly #options: CommitOptions;
  #wanted: number | undefined;
  #running: Promise<void> | undefined;

  constructor(options: CommitOptions) {
    this.#options = options;
  }

  /** Everything before the offset is durable. */
  note(offset: number): void {
    this.#wanted = offset;
    this.#running ??= this.#run();
  }

  /** Settles when nothing is left to tell; soon, if the end has come. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { owned, end, startTimer, logger } = this.#options;
    while (this.#wanted !== undefined && owned.isOwned) {
      const offset = this.#wanted;
      this.#wanted = undefined;
      try {
        await owned.commit(offset);
      } catch (error) {
        // The next one tells the same and more.
        this.#wanted ??= end.aborted ? undefined : offset;
        logger.debug({ error: errorText(error), offset }, 'a commit failed');
      }
      await sleep(betweenMs, end, startTimer);
    }
    this.#running = undefined;
  }
}
