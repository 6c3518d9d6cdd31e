import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';

/** Calls back in a later turn of the event loop, behind the input that waits already. */
export type NextTurn = (fire: () => void) => void;

interface FlushScheduleOptions {
  /** A write is gathered for so long, counted from the flush before it: the first packet after a pause goes out at once. */
  readonly gatherMs: number;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly nextTurn: NextTurn;
  /** `isDue`: everything that was gathered; else only what fills a write. */
  readonly work: (isDue: boolean) => void;
}

/** When what was written for viewers goes out: in turns of the event loop, never inside the call that wrote it. */
export class FlushSchedule {
  readonly #options: FlushScheduleOptions;
  #lastFlushAt = Number.NEGATIVE_INFINITY;
  #turn: 'none' | 'asked' = 'none';
  #cancelTimer: (() => void) | undefined;

  constructor(options: FlushScheduleOptions) {
    this.#options = options;
  }

  /** Something was written. */
  gather(): void {
    if (this.#turn === 'asked' || this.#cancelTimer !== undefined) return;
    const { gatherMs, clock, startTimer } = this.#options;
    const leftMs = this.#lastFlushAt + gatherMs - clock.monotonic();
    if (leftMs <= 0) this.soon();
    else
      this.#cancelTimer = startTimer(leftMs, () => {
        this.#cancelTimer = undefined;
        this.#run(true);
      });
  }

  /** In the next turn. */
  soon(): void {
    if (this.#turn === 'asked') return;
    this.#turn = 'asked';
    this.#options.nextTurn(() => {
      this.#turn = 'none';
      this.#run(this.#options.clock.monotonic() >= this.#lastFlushAt + this.#options.gatherMs);
    });
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #run(isDue: boolean): void {
    if (isDue) {
      this.stop();
      this.#lastFlushAt = this.#options.clock.monotonic();
    }
    this.#options.work(isDue);
  }
}
