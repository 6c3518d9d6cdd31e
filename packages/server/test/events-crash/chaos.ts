import { setTimeout as sleep } from 'node:timers/promises';
import type { LaneProcess } from '../support/lane/lane-process.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

interface ChaosOptions {
  readonly processes: readonly LaneProcess[];
  /** Who answers the clients. A kill at once behind an answer shows one that came too early: the first kill strikes then, and half of the others. */
  readonly answering: { readonly process: LaneProcess; readonly nextAnswer: () => Promise<void> };
  readonly random: SeededRandom;
  /** From the end of one blow to the next. */
  readonly betweenMs: { readonly from: number; readonly to: number };
  /** How long a frozen process knows nothing: over it others take its partitions. */
  readonly frozenMs: { readonly from: number; readonly to: number };
}

type Blow = 'kill' | 'kill while it starts' | 'freeze' | 'stop';
const blows: readonly Blow[] = ['kill', 'kill', 'kill', 'kill', 'kill while it starts', 'freeze', 'freeze', 'stop'];
/** At the same time: the others have to get somewhere. */
const maxDown = 2;
const maxDownMs = 500;
/** For an answer to kill behind. */
const maxAnswerMs = 1000;

/** Kills each process once, in turn; then kills, freezes and stops them at random, and lets each of them come back. */
export class Chaos {
  readonly #options: ChaosOptions;
  readonly #down = new Set<LaneProcess>();
  readonly #recoveries = new Set<Promise<void>>();
  readonly #problems: string[] = [];
  readonly #counts = new Map<Blow, number>();
  #isAnswerKilled = false;

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  /** By SIGKILL. */
  get kills(): number {
    return this.#count('kill') + 2 * this.#count('kill while it starts');
  }

  /** What should not have happened, a sentence each. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  get summary(): string {
    return [...this.#counts].map(([blow, count]) => `${blow}: ${count}`).join(', ');
  }

  /** Until the signal aborts; then everything runs again. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { random, processes, betweenMs } = this.#options;
    const untouched = [...processes];
    const pause = () => sleep(random.between(betweenMs.from, betweenMs.to), undefined, { signal }).catch(() => undefined);
    for (await pause(); !signal.aborted; await pause()) {
      const up = processes.filter((process) => !this.#down.has(process));
      const blow = untouched.length > 0 ? 'kill' : blows[random.between(0, blows.length - 1)];
      const downMs = random.between(0, maxDownMs);
      if (this.#down.size < maxDown && blow) {
        const process = untouched.shift() ?? up[random.between(0, up.length - 1)];
        if (process) this.#strike(process, { blow, downMs });
      }
    }
    await Promise.all(this.#recoveries);
  }

  #strike(process: LaneProcess, { blow, downMs }: { readonly blow: Blow; readonly downMs: number }): void {
    this.#down.add(process);
    this.#counts.set(blow, this.#count(blow) + 1);
    const recovery = this.#recover(process, { blow, downMs })
      .catch((error: unknown) => {
        this.#problems.push(`${process.name} after ${blow}: ${error instanceof Error ? error.message : String(error)}`);
      })
      .finally(() => {
        this.#down.delete(process);
        this.#recoveries.delete(recovery);
      });
    this.#recoveries.add(recovery);
  }

  async #recover(process: LaneProcess, { blow, downMs }: { readonly blow: Blow; readonly downMs: number }): Promise<void> {
    const { random, frozenMs } = this.#options;
    if (blow === 'freeze') {
      process.freeze();
      await sleep(random.between(frozenMs.from, frozenMs.to));
      process.thaw();
      return;
    }
    if (blow === 'stop') {
      const end = await process.stop();
      if (end !== 0) this.#problems.push(`${process.name} was stopped and ended with ${end}`);
    } else {
      if (blow === 'kill') await this.#killingMoment(process);
      await process.kill();
    }
    await sleep(downMs);
    if (blow === 'kill while it starts') {
      const starting = process.start().catch(() => undefined);
      await sleep(random.between(200, 1500));
      await process.kill();
      await starting;
    }
    await process.start();
  }

  async #killingMoment(process: LaneProcess): Promise<void> {
    const { answering, random } = this.#options;
    if (process !== answering.process || (this.#isAnswerKilled && random.oneIn(2))) return;
    this.#isAnswerKilled = true;
    await Promise.race([answering.nextAnswer(), sleep(maxAnswerMs)]);
  }

  #count(blow: Blow): number {
    return this.#counts.get(blow) ?? 0;
  }
}
