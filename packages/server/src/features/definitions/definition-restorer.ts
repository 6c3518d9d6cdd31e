import type { MetadataEntry, MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { commit, commitSteps } from './commit.ts';
import {
  activeSinkKey,
  activeSourceKey,
  decodeSink,
  decodeSource,
  deletedSinkKey,
  sinkVersionPrefix,
  sourceVersionPrefix,
} from './definition-codec.ts';
import { deletedSinkMissing, sinkMissing, sinkVersionMissing, sourceMissing, sourceVersionMissing } from './definition-errors.ts';
import type { DefinitionHooks } from './definition-hooks.ts';
import { rolledBackEntity } from './entity-change.ts';
import { putSource } from './entity-writes.ts';
import { type SinkKey, type SourceKey, versionKeyText } from './keys.ts';
import { assertRoomForSinks } from './limits.ts';
import type { Stamp } from './new-definition.ts';
import { SinkTransactions } from './sink-transactions.ts';
import { joinParts, rewritten, unchanged } from './transaction-part.ts';

interface DefinitionRestorerDeps {
  readonly store: MetadataStore;
  readonly hooks: DefinitionHooks;
}

/**
 * Brings back what an entity was: an earlier version, or a deleted sink. (A source comes back with its sinks: `source-cascade.ts`.)
 * Each operation resolves to the committed revision.
 */
export class DefinitionRestorer {
  readonly #store: MetadataStore;
  readonly #sinks: SinkTransactions;

  constructor({ store, hooks }: DefinitionRestorerDeps) {
    this.#store = store;
    this.#sinks = new SinkTransactions(hooks);
  }

  /** `sourceNotFound`, `sourceVersionNotFound`. */
  rollbackSource(key: SourceKey, number: number, stamp: Stamp): Promise<number> {
    return commit(this.#store, async () => {
      const entry = await this.#found(activeSourceKey(key), sourceMissing(key.sourceId));
      const target = await this.#found(sourceVersionPrefix(key) + versionKeyText(number), sourceVersionMissing(key.sourceId, number));
      return { checks: [unchanged(entry)], writes: putSource(rolledBackEntity(decodeSource(entry), decodeSource(target), stamp)) };
    });
  }

  /** `sinkNotFound`, `sinkVersionNotFound`, and what the hooks throw. */
  rollbackSink(key: SinkKey, number: number, stamp: Stamp): Promise<number> {
    return commit(this.#store, async () => {
      const entry = await this.#found(activeSinkKey(key), sinkMissing(key.sinkId));
      const target = await this.#found(sinkVersionPrefix(key) + versionKeyText(number), sinkVersionMissing(key.sinkId, number));
      return this.#sinks.change(entry, rolledBackEntity(decodeSink(entry), decodeSink(target), stamp));
    });
  }

  /**
   * A sink that was deleted with its source stays as it is.
   * `sourceNotFound`, `deletedSinkNotFound`, `sinkCountLimitReached`, and what the hooks throw.
   */
  undeleteSink(key: SinkKey, stamp: Stamp): Promise<number> {
    return commitSteps(this.#store, async () => {
      // The parent first: what is read behind it holds as long as its revision does.
      const source = await this.#found(activeSourceKey(key), sourceMissing(key.sourceId));
      const entry = await this.#found(deletedSinkKey(key), deletedSinkMissing(key.sinkId));
      if (decodeSink(entry).deleted?.directly !== true) return { type: 'settled', revision: entry.modRevision };
      await assertRoomForSinks(this.#store, key, 1);
      const part = await this.#sinks.undelete(entry, { stamp, addressee: 'itself' });
      if (part === undefined) return { type: 'settled', revision: entry.modRevision };
      return { type: 'last', transaction: joinParts(rewritten(source), part) };
    });
  }

  async #found(key: string, missing: Error): Promise<MetadataEntry> {
    const entry = await this.#store.get(key);
    if (entry === undefined) throw missing;
    return entry;
  }
}
