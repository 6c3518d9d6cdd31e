import type { MetadataEntry, MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { commitSteps, type Step } from './commit.ts';
import { activeSourceKey, decodeSource } from './definition-codec.ts';
import { sourceMissing } from './definition-errors.ts';
import type { DefinitionHooks, TransactionPart } from './definition-hooks.ts';
import { deletedEntity, disabledEntity, enabledEntity } from './entity-change.ts';
import { moveDeletedSource, putSource } from './entity-writes.ts';
import { definitionPrefix, type SourceKey, sourceKeyText } from './keys.ts';
import type { Stamp } from './new-definition.ts';
import { SinkTransactions } from './sink-transactions.ts';
import type { Source } from './source.ts';
import { fitTogether, joinParts } from './transaction-part.ts';

interface Cascade {
  /** What becomes of a sink; undefined where it stays as it is. */
  sink(entry: MetadataEntry): Promise<TransactionPart | undefined>;
  /** Writes that end the operation; undefined where the source is already as it shall be: then its sinks are not touched either. */
  source(source: Source): TransactionPart['writes'] | undefined;
}

/**
 * Operations on a source that take its sinks with them.
 *
 * A transaction never grows with data, so a source with many sinks changes in several, the sinks first and the source in
 * the last one. Cut off in between, the operation is finished by repeating it: the source is still as it was, and the sinks
 * that are done are left alone. Every batch is fenced by the source's revision, which grows whenever a sink is activated under it.
 *
 * What a reader sees in between: a source that is still active, or enabled, with some of its sinks gone or disabled, and records
 * go to the others only; or, while it is enabled, a source that refuses records although some of its sinks are enabled.
 */
export class SourceCascade {
  readonly #store: MetadataStore;
  readonly #sinks: SinkTransactions;

  constructor({ store, hooks }: { readonly store: MetadataStore; readonly hooks: DefinitionHooks }) {
    this.#store = store;
    this.#sinks = new SinkTransactions(hooks);
  }

  /** The revision of the end. `sourceNotFound`. */
  delete(key: SourceKey, stamp: Stamp): Promise<number> {
    return this.#run(key, {
      sink: (entry) => this.#sinks.delete(entry, { stamp, addressee: 'source' }),
      source: (source) => moveDeletedSource(deletedEntity(source, stamp, 'itself')),
    });
  }

  /** As `delete`. */
  disable(key: SourceKey, stamp: Stamp): Promise<number> {
    return this.#run(key, {
      sink: (entry) => this.#sinks.disable(entry, { stamp, addressee: 'source' }),
      source: (source) => (source.disabled === undefined ? putSource(disabledEntity(source, stamp, 'itself')) : undefined),
    });
  }

  /** As `delete`. */
  enable(key: SourceKey, stamp: Stamp): Promise<number> {
    return this.#run(key, {
      sink: (entry) => this.#sinks.enable(entry, { stamp, addressee: 'source' }),
      source: (source) => {
        const enabled = enabledEntity(source, stamp, 'itself');
        return enabled && putSource(enabled);
      },
    });
  }

  #run(key: SourceKey, cascade: Cascade): Promise<number> {
    return commitSteps(this.#store, () => this.#next(key, cascade));
  }

  async #next(key: SourceKey, cascade: Cascade): Promise<Step> {
    const entry = await this.#store.get(activeSourceKey(key));
    if (entry === undefined) throw sourceMissing(key.sourceId);
    const end = cascade.source(decodeSource(entry));
    if (end === undefined) return { type: 'settled', revision: entry.modRevision };
    const fence: TransactionPart = { checks: [{ key: entry.key, modRevision: entry.modRevision }], writes: [] };
    let batch = fence;
    const { entries } = await this.#store.range({ prefix: `${definitionPrefix.activeSink}${sourceKeyText(key)}/`, limit: 1000 });
    for (const sink of entries) {
      const part = await cascade.sink(sink);
      if (part === undefined) continue;
      if (batch !== fence && !fitTogether(batch, part)) return { type: 'batch', transaction: batch };
      batch = joinParts(batch, part);
    }
    const last: TransactionPart = { checks: [], writes: end };
    if (batch !== fence && !fitTogether(batch, last)) return { type: 'batch', transaction: batch };
    return { type: 'last', transaction: joinParts(batch, last) };
  }
}
