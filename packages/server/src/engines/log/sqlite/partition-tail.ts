import type { StartTimer } from '../../../kernel/time/start-timer.ts';

interface TailWait {
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
  readonly startTimer: StartTimer;
}

/** Where a partition ends, and who waits for more. */
export class PartitionTail {
  readonly #waiting = new Set<() => void>();
  #end: number;

  constructor(end: number) {
    this.#end = end;
  }

  get end(): number {
    return this.#end;
  }

  moveTo(end: number): void {
    this.#end = Math.max(this.#end, end);
    this.wake();
  }

  /** Ends every wait, whether there is more or not. */
  wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Settles on the next change, after the time, or on abort. */
  wait({ waitMs, signal, startTimer }: TailWait): Promise<void> {
    if (waitMs <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        cancelTimer();
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const cancelTimer = startTimer(waitMs, wake);
      signal?.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
    });
  }
}
