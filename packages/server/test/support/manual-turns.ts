import type { NextTurn } from '../../src/features/channels/fanout/flush-schedule.ts';

/** Turns of an event loop that come when the test says so. */
export class ManualTurns {
  #asked: (() => void)[] = [];

  readonly ask: NextTurn = (fire) => {
    this.#asked.push(fire);
  };

  /** One turn. */
  next(): void {
    const asked = this.#asked;
    this.#asked = [];
    for (const fire of asked) fire();
  }

  /** Until nothing is asked for. */
  all(): void {
    for (let turn = 0; this.#asked.length > 0; turn += 1) {
      if (turn > 100_000) throw new Error('The turns do not end.');
      this.next();
    }
  }
}
