import type { Clock } from '../../src/kernel/time/clock.ts';
import type { StartTimer } from '../../src/kernel/time/start-timer.ts';
import type { SeededRandom } from './seeded-random.ts';

interface Waiting {
  readonly process: SimulatedProcess;
  /** Not before this turn, unless nobody else can get on. */
  readonly turn: number;
  readonly go: () => void;
}

interface SimulatedTimer {
  readonly process: SimulatedProcess;
  readonly atMs: number;
  readonly fire: () => void;
}

const startMs = Date.parse('2026-06-24T10:00:00.000Z');

/**
 * Several processes on one clock, of which a random number generator decides who gets on next: at every call to an engine, before its
 * effect and before its answer, a process waits for its turn. The same seed gives the same run.
 */
export class Simulation {
  readonly random: SeededRandom;
  #waiting: Waiting[] = [];
  #timers: SimulatedTimer[] = [];
  #nowMs = 0;
  #turns = 0;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  readonly clock: Clock = { now: () => startMs + Math.floor(this.#nowMs), monotonic: () => this.#nowMs };

  process(): SimulatedProcess {
    return new SimulatedProcess(this);
  }

  wait(process: SimulatedProcess, slowOneIn: number): Promise<void> {
    // Some calls take so long that others overtake them by far.
    const delay = this.random.oneIn(slowOneIn) ? this.random.between(50, 500) : 0;
    return new Promise((resolve) => {
      this.#waiting.push({ process, turn: this.#turns + delay, go: resolve });
    });
  }

  startTimer(process: SimulatedProcess, delayMs: number, fire: () => void): () => void {
    const timer = { process, atMs: this.#nowMs + Math.max(0, delayMs), fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** One process gets on, or time does. False where nobody waits for anything. */
  async turn(): Promise<boolean> {
    const { random } = this;
    this.#turns += 1;
    const ready = this.#waiting.filter(({ turn }) => turn <= this.#turns);
    const some = ready.length > 0 ? ready : this.#waiting;
    const next = some[random.between(0, Math.max(0, some.length - 1))];
    if (this.#timers.length > 0 && (!next || random.oneIn(10))) this.#fireNext();
    else if (next) {
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      next.go();
    } else return false;
    await settled();
    return true;
  }

  /** Nothing of the process happens any more, but perhaps the effects of the calls that it made before. */
  kill(process: SimulatedProcess): void {
    this.#timers = this.#timers.filter((timer) => timer.process !== process);
    this.#waiting = this.#waiting.filter((waiting) => waiting.process !== process || this.random.oneIn(2));
  }

  #fireNext(): void {
    const next = this.#timers.reduce((first, timer) => (timer.atMs < first.atMs ? timer : first));
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.fire();
  }
}

/** One process of a simulation, as its engines see it. */
export class SimulatedProcess {
  readonly #simulation: Simulation;
  #isDead = false;
  /** One call in so many fails, before or behind its effect; 0: none. */
  failsOneIn = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  kill(): void {
    this.#isDead = true;
    this.#simulation.kill(this);
  }

  /** Settles when it is the process's turn: never, once it is dead. One call in `slowOneIn` takes long. */
  async step(fail: () => Error, slowOneIn = 15): Promise<void> {
    if (this.#isDead) await new Promise(() => {});
    await this.#simulation.wait(this, slowOneIn);
    if (!this.#isDead && this.failsOneIn > 0 && this.#simulation.random.oneIn(this.failsOneIn)) throw fail();
  }

  readonly startTimer: StartTimer = (delayMs, fire) => (this.#isDead ? () => {} : this.#simulation.startTimer(this, delayMs, fire));

  readonly randomNumber = (): number => this.#simulation.random.next();
}

/** Until everything has happened that waits for no turn. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
