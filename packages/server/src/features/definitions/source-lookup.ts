import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { Semaphore } from '../../kernel/async/semaphore.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { activeSourceKey, decodeBranch, decodeSink, decodeSource } from './definition-codec.ts';
import { enabledSinks, type IngestSource } from './ingest-source.ts';
import { definitionPrefix, sourceKeyText } from './keys.ts';
import { sourceKeyOf } from './source.ts';

interface SourceLookupDeps {
  readonly store: MetadataStore;
  readonly clock: Clock;
}

const unknownForMs = 1000;
const maxUnknown = 10_000;

/**
 * Reads a source through from the store, for the moment between its creation and the mirror's news of it.
 * Guessed ids must not become load on the store: equal look-ups share one read, few run at a time,
 * and an id that was not there is not asked for again within a second.
 */
export class SourceLookup {
  readonly #store: MetadataStore;
  readonly #clock: Clock;
  readonly #gate = new Semaphore({ permits: 4, maxWaiting: 200 });
  readonly #pending = new Map<string, Promise<readonly IngestSource[]>>();
  /** Id -> monotonic time until which it counts as unknown. */
  readonly #unknown = new Map<string, number>();

  constructor({ store, clock }: SourceLookupDeps) {
    this.#store = store;
    this.#clock = clock;
  }

  /** One for each branch that has the source. `metadataUnavailable`, `overloaded`. */
  find(projectId: number, sourceId: string): Promise<readonly IngestSource[]> {
    const id = `${projectId}/${sourceId}`;
    if ((this.#unknown.get(id) ?? 0) > this.#clock.monotonic()) return Promise.resolve([]);
    const pending = this.#pending.get(id);
    if (pending !== undefined) return pending;
    const found = this.#find(projectId, sourceId).finally(() => this.#pending.delete(id));
    this.#pending.set(id, found);
    return found;
  }

  async #find(projectId: number, sourceId: string): Promise<readonly IngestSource[]> {
    using _ = await this.#gate.acquire();
    const branches = await this.#store.range({ prefix: `${definitionPrefix.activeBranch}${projectId}/`, limit: 1000 });
    const found: IngestSource[] = [];
    for (const { branchId } of branches.entries.map(decodeBranch)) {
      const entry = await this.#store.get(activeSourceKey({ projectId, branchId, sourceId }));
      if (entry === undefined) continue;
      const source = decodeSource(entry);
      const prefix = `${definitionPrefix.activeSink}${sourceKeyText(sourceKeyOf(source))}/`;
      const sinks = await this.#store.range({ prefix, limit: 1000 });
      found.push({ source, sinks: enabledSinks(sinks.entries.map(decodeSink)) });
    }
    if (found.length === 0) this.#remember(`${projectId}/${sourceId}`);
    return found;
  }

  #remember(id: string): void {
    if (this.#unknown.size >= maxUnknown) this.#unknown.clear();
    this.#unknown.set(id, this.#clock.monotonic() + unknownForMs);
  }
}
