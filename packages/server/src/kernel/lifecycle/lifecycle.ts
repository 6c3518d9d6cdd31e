import { AppError } from '../errors/app-error.ts';
import type { Logger } from '../observe/logger.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { type StartTimer, systemTimer } from '../time/start-timer.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-code.ts';
import type { Part } from './part.ts';
import { settleWithin } from './settle-within.ts';

interface LifecycleOptions {
  readonly logger: Logger;
  /** Time for the whole shutdown. */
  readonly deadlineMs: number;
  /** First act of a shutdown: readiness probes fail from now on. */
  readonly markNotReady: () => void;
  readonly clock?: Clock;
  readonly startTimer?: StartTimer;
}

/** When each phase must have ended, as a share of the deadline: a part that hangs leaves time for the next phases. */
const phaseEnds = { 'stop accepting': 0.2, drain: 0.7, stop: 0.85, dispose: 1 } as const;
type Phase = keyof typeof phaseEnds;

/**
 * What a process consists of, and its end:
 *
 *     composed -> running -> not ready -> stop accepting -> drain -> stop -> dispose
 *
 * Parts are added after those they depend on: drain, stop and dispose go backwards, one by one,
 * so that a source is empty before the writer behind it stops. A step that fails or is late is logged and never skips the rest.
 * Disposing it (`await using`) releases what was composed, also when the composition itself failed.
 */
export class Lifecycle implements AsyncDisposable {
  readonly #options: Required<LifecycleOptions>;
  readonly #parts: Part[] = [];
  readonly #resources: Resource[] = [];
  readonly #stopRequested = Promise.withResolvers<void>();
  #stoppingSince: number | undefined;
  #exitCode: ExitCode = exitCodes.clean;

  constructor(options: LifecycleOptions) {
    this.#options = { clock: systemClock, startTimer: systemTimer, ...options };
  }

  /** Disposes the resource at the end, before everything that was there earlier. */
  use<T extends AsyncDisposable>(name: string, resource: T): T {
    this.#resources.push({ name, resource });
    return resource;
  }

  add(part: Part): void {
    this.#parts.push(part);
  }

  /**
   * Runs all parts until the signal aborts or a part ends, then shuts down. Never rejects.
   * What hangs beyond the deadline still runs afterwards, so the caller ends the process with the code.
   */
  async run(stop: AbortSignal): Promise<ExitCode> {
    const running = this.#parts.splice(0).map((part) => this.#start(part));
    const onAbort = () => this.#stopRequested.resolve();
    stop.addEventListener('abort', onAbort, { once: true });
    if (!stop.aborted && running.length > 0) await this.#stopRequested.promise;
    stop.removeEventListener('abort', onAbort);
    await this.#shutDown(running.reverse());
    return this.#exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stoppingSince ??= this.#options.clock.monotonic();
    // Without a run: a part may work or listen since its composition, which failed later. Nothing may keep the process alive.
    const neverRun = this.#parts.splice(0).map((part) => this.#start(part));
    await this.#stop(neverRun.reverse());
    for (let last = this.#resources.pop(); last; last = this.#resources.pop()) {
      const { name, resource } = last;
      await this.#step('dispose', name, () => Promise.resolve(resource[Symbol.asyncDispose]()));
    }
  }

  #start(part: Part): RunningPart {
    const { logger } = this.#options;
    const controller = new AbortController();
    const fail = (error: unknown, message: string) => {
      logger.error({ part: part.name, err: error }, message);
      this.#fail(error);
    };
    const ended = Promise.try(() => part.run(controller.signal)).then(
      () => {
        if (this.#stoppingSince === undefined)
          fail(new AppError('invariantBroken', `Part ${part.name} ended by itself.`), 'part ended early');
        this.#stopRequested.resolve();
      },
      (error: unknown) => {
        // Rejecting with the reason of the abort is a usual way to obey it.
        if (!controller.signal.aborted || error !== controller.signal.reason) fail(error, 'part failed');
        this.#stopRequested.resolve();
      },
    );
    return { part, controller, ended };
  }

  async #shutDown(running: readonly RunningPart[]): Promise<void> {
    const { logger, clock, markNotReady } = this.#options;
    this.#stoppingSince = clock.monotonic();
    logger.info({}, 'stopping');
    markNotReady();
    await Promise.all(running.map(({ part }) => this.#step('stop accepting', part.name, async () => part.stopAccepting?.())));
    for (const { part } of running) {
      await this.#step('drain', part.name, async () => part.drain?.(this.#remainingMs('drain')));
    }
    await this.#stop(running);
    await this[Symbol.asyncDispose]();
    logger.info({ ms: Math.round(clock.monotonic() - this.#stoppingSince) }, 'stopped');
  }

  async #stop(running: readonly RunningPart[]): Promise<void> {
    for (const { part, controller, ended } of running) {
      controller.abort();
      await this.#step('stop', part.name, () => ended);
    }
  }

  #remainingMs(phase: Phase): number {
    const { clock, deadlineMs } = this.#options;
    const passedMs = clock.monotonic() - (this.#stoppingSince ?? clock.monotonic());
    return Math.max(0, deadlineMs * phaseEnds[phase] - passedMs);
  }

  async #step(phase: Phase, name: string, action: () => Promise<void>): Promise<void> {
    const { logger, startTimer } = this.#options;
    const settled = await settleWithin(action, { timeoutMs: this.#remainingMs(phase), startTimer });
    if (settled.state === 'done') return;
    const error =
      settled.state === 'failed' ? settled.error : new AppError('invariantBroken', `${name} did not finish to ${phase} in time.`);
    logger.error({ part: name, phase, err: error }, settled.state === 'failed' ? 'shutdown step failed' : 'shutdown step is late');
    this.#fail(error);
  }

  /** The first failure decides. During a shutdown it is just a failure, whatever the error: starting again may well work. */
  #fail(error: unknown): void {
    if (this.#exitCode !== exitCodes.clean) return;
    this.#exitCode = this.#stoppingSince === undefined ? exitCodeOf(error) : exitCodes.failure;
  }
}

interface Resource {
  readonly name: string;
  readonly resource: AsyncDisposable;
}

interface RunningPart {
  readonly part: Part;
  readonly controller: AbortController;
  /** Settles, never rejects, when `run` did. */
  readonly ended: Promise<void>;
}
