import { type MetadataStore, type MetadataWrite, maxTransactionOperations } from '../../../engines/metadata/metadata-store.ts';
import { errorText } from '../../../kernel/errors/app-error.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import { sliceStatsMetadataKey } from '../state/storage-keys.ts';
import type { LocalSliceWriter } from './local-slice-writer.ts';

interface StatisticsPublisherOptions {
  readonly metadata: MetadataStore;
  readonly writer: LocalSliceWriter;
  readonly intervalMs: number;
  readonly logger: Logger;
}

/**
 * Publishes the live figures of open slices, only what changed, at most once an interval; an idle node writes nothing.
 * They serve triggers and status only: the counts of record are taken at sealing (I4).
 */
export class StatisticsPublisher implements AsyncDisposable {
  readonly #options: StatisticsPublisherOptions;
  readonly #timer: NodeJS.Timeout;
  #published = new Map<string, number>();
  #running: Promise<void> | undefined;

  constructor(options: StatisticsPublisherOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#running ??= this.#publish().finally(() => {
        this.#running = undefined;
      });
    }, options.intervalMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #publish(): Promise<void> {
    const { metadata, writer, logger } = this.#options;
    const seen = new Map<string, number>();
    const writes: MetadataWrite[] = [];
    for (const { key, figures } of writer.openFigures()) {
      const rows = figures.goodRows + figures.damagedRows;
      seen.set(key, rows);
      if (rows !== (this.#published.get(key) ?? 0))
        writes.push({ type: 'put', key: sliceStatsMetadataKey(key), value: JSON.stringify(figures) });
    }
    try {
      for (let from = 0; from < writes.length; from += maxTransactionOperations) {
        await metadata.transact({ checks: [], writes: writes.slice(from, from + maxTransactionOperations) });
      }
      this.#published = seen;
    } catch (error) {
      logger.warn({ error: errorText(error) }, 'live statistics could not be published yet');
    }
  }
}
