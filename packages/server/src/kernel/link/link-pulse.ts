import type { StartTimer } from '../time/start-timer.ts';

interface LinkPulseOptions {
  readonly startTimer: StartTimer;
  /** Asks the other side for a sign of life. */
  readonly ping: () => void;
  /** Called once. */
  readonly onSilent: () => void;
}

/** Two frames of a few bytes in this time are nothing for either side. */
const intervalMs = 5000;
/**
 * From the first ping without an answer. Longer than a loop is held up on a machine that is busy or has to swap; shorter than the 30 s
 * that calls have by default, so those under way fail because the owner is lost, and not each by its own time.
 */
export const patienceMs = 15_000;
const maxPings = patienceMs / intervalMs;

/**
 * Finds out that the other side is frozen: its connection stays open then, and takes what is sent. The patience is counted in pings and
 * not by a clock: where this process was frozen itself, one timer is late, and the answers are read before the next one.
 */
export class LinkPulse {
  readonly #options: LinkPulseOptions;
  /** In a row, without a sign of life. */
  #pings = 0;
  #cancelTimer: () => void = () => {};

  constructor(options: LinkPulseOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancelTimer = this.#options.startTimer(intervalMs, () => this.#tick());
  }

  /** Anything came from the other side. */
  heard(): void {
    this.#pings = 0;
  }

  stop(): void {
    this.#cancelTimer();
  }

  #tick(): void {
    if (this.#pings === maxPings) {
      this.#options.onSilent();
      return;
    }
    this.#pings += 1;
    this.#options.ping();
    this.start();
  }
}
