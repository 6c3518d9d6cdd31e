import type { Clock } from '../../../kernel/time/clock.ts';
import type { StartTimer } from '../../../kernel/time/start-timer.ts';

/** Calls back in a later turn of the event loop, behind the input that waits already. */
export type NextTurn = (fire: () => void) => void;

interface FlushScheduleOptions {
  /** From one flush to the next, at least: the first packet after a pause goes out at once. */
  readonly gatherMs: number;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly nextTurn: NextTurn;
  /** `isDue`: what was gathered and is due; else only what fills a write. */
  readonly work: (isDue: boolean) => void;
}

/** When what was written for viewers goes out: in turns of the event loop, never inside the call that wrote it. */
export class FlushSchedule {
  readonly #options: FlushScheduleOptions;
  #lastFlushAt = Number.NEGATIVE_INFINITY;
  #turn: 'none' | 'asked' = 'none';
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(options: FlushScheduleOptions) {
    this.#options = options;
  }

  /** Something was written that is due then, by the monotonic clock; the earliest of several calls holds. */
  gather(dueAt: number): void {
    if (this.#turn === 'asked') return;
    const { gatherMs, clock, startTimer } = this.#options;
    const at = Math.max(dueAt, this.#lastFlushAt + gatherMs);
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.stop();
    const leftMs = at - clock.monotonic();
    if (leftMs <= 0) {
      this.soon();
      return;
    }
    const cancel = startTimer(leftMs, () => {
      this.#timer = undefined;
      this.#run(true);
    });
    this.#timer = { at, cancel };
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
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #run(isDue: boolean): void {
    if (isDue) {
      this.stop();
      this.#lastFlushAt = this.#options.clock.monotonic();
    }
    this.#options.work(isDue);
  }
}
