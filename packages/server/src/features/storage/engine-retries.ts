import type { Retry } from './state/retry.ts';
import type { StorageStore } from './state/storage-store.ts';

interface EngineRetriesOptions {
  readonly store: Pick<StorageStore, 'retryInMs'>;
  /** Rejects while the engine is down. */
  readonly probe: () => Promise<unknown>;
  /** The entity need not wait any longer. */
  readonly wake: (key: string) => void;
}

const probeIntervalMs = 2000;

/**
 * The delays of all entities whose step failed on one engine. Each waits out its own, but the first success of any of them, or
 * a probe that works after one that did not, ends the delays of all: after an outage everything goes on at once.
 *
 * Only an engine that was seen down forgives by answering a probe: one that answers while steps fail would void their delays.
 */
export class EngineRetries implements Disposable {
  readonly #options: EngineRetriesOptions;
  readonly #failing = new Set<string>();
  readonly #forgiven = new Set<string>();
  #probeTimer: NodeJS.Timeout | undefined;
  readonly #stop = new AbortController();

  constructor(options: EngineRetriesOptions) {
    this.#options = options;
  }

  /** Milliseconds until the next attempt; not positive where it is due. Also learns of what an earlier process saw failing. */
  waitMs(key: string, retry: Retry | undefined): number {
    if (!retry || this.#forgiven.delete(key)) return 0;
    const waitMs = this.#options.store.retryInMs(key, retry);
    if (waitMs > 0) this.#await(key);
    return waitMs;
  }

  /** Its retry is stored already. */
  failed(key: string): void {
    this.#forgiven.delete(key);
    this.#await(key);
  }

  succeeded(key: string): void {
    this.#failing.delete(key);
    this.#forgive();
  }

  /** The entity is gone, or beyond the step. */
  forget(key: string): void {
    this.#failing.delete(key);
    this.#forgiven.delete(key);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    clearTimeout(this.#probeTimer);
  }

  #await(key: string): void {
    this.#failing.add(key);
    this.#probeTimer ??= setTimeout(() => this.#probe({ wasDown: false }), probeIntervalMs);
  }

  #probe({ wasDown }: { wasDown: boolean }): void {
    this.#options.probe().then(
      () => {
        this.#probeTimer = undefined;
        if (wasDown) this.#forgive();
      },
      () => {
        if (!this.#stop.signal.aborted) this.#probeTimer = setTimeout(() => this.#probe({ wasDown: true }), probeIntervalMs);
      },
    );
  }

  #forgive(): void {
    const keys = [...this.#failing];
    this.#failing.clear();
    for (const key of keys) {
      this.#forgiven.add(key);
      this.#options.wake(key);
    }
  }
}
