import type { MetadataLease, MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { Backoff } from '../../kernel/async/backoff.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { errorText, isAppError } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import { type StartTimer, systemTimer } from '../../kernel/time/start-timer.ts';
import { publishAppliedRevision } from './applied-revision.ts';

interface AppliedRevisionPublisherDeps {
  readonly store: MetadataStore;
  readonly nodeId: string;
  readonly logger: Logger;
  readonly startTimer?: StartTimer;
}

const leaseTtlMs = 10_000;

/**
 * Tells the others which revision this node works with, as long as it runs.
 * At most one write is in flight; revisions that come meanwhile are told as one, the newest (coalesce).
 */
export class AppliedRevisionPublisher {
  readonly #deps: AppliedRevisionPublisherDeps;
  #wanted: number | undefined;
  #told: number | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(deps: AppliedRevisionPublisherDeps) {
    this.#deps = deps;
  }

  publish(revision: number): void {
    if (this.#wanted !== undefined && revision <= this.#wanted) return;
    this.#wanted = revision;
    this.#wake.resolve();
  }

  /** Until the signal aborts; then the node is gone for the others. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, logger, startTimer } = this.#deps;
    const backoff = new Backoff({ initialMs: 50, maxMs: 2000 });
    const wake = () => this.#wake.resolve();
    signal.addEventListener('abort', wake);
    while (!signal.aborted) {
      try {
        const lease = await store.grantLease(leaseTtlMs);
        backoff.succeeded();
        this.#told = undefined;
        await this.#hold(lease, signal);
      } catch (error) {
        if (!isAppError(error)) throw error;
        logger.warn({ error: errorText(error) }, 'the applied revision could not be told');
        await sleep(backoff.next(), signal, startTimer);
      }
    }
    signal.removeEventListener('abort', wake);
  }

  async #hold(lease: MetadataLease, signal: AbortSignal): Promise<void> {
    const { store, nodeId, startTimer = systemTimer } = this.#deps;
    let isDue = false;
    const arm = () =>
      startTimer(leaseTtlMs / 3, () => {
        isDue = true;
        this.#wake.resolve();
      });
    let cancelTimer = arm();
    try {
      while (!signal.aborted) {
        this.#wake = Promise.withResolvers();
        const revision = this.#wanted;
        if (revision !== undefined && revision !== this.#told) {
          await publishAppliedRevision(store, { nodeId, leaseId: lease.id, revision });
          this.#told = revision;
        } else if (isDue) {
          isDue = false;
          await lease.keepAlive();
          cancelTimer = arm();
        } else if (!signal.aborted) await this.#wake.promise;
      }
    } finally {
      cancelTimer();
    }
    await lease.revoke();
  }
}
