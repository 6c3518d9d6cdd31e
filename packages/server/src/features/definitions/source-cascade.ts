import type { MetadataEntry, MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { allEntries } from './all-entries.ts';
import { commitSteps, type Step } from './commit.ts';
import { activeBranchKey, activeSourceKey, decodeSink, decodeSource, deletedSourceKey } from './definition-codec.ts';
import { deletedSourceMissing, sourceMissing } from './definition-errors.ts';
import type { DefinitionHooks, TransactionPart } from './definition-hooks.ts';
import { deletedEntity, disabledEntity, enabledEntity, undeletedEntity } from './entity-change.ts';
import { moveDeletedSource, putSource } from './entity-writes.ts';
import { branchKeyText, definitionPrefix, type SourceKey, sourceKeyText } from './keys.ts';
import { assertRoomForSinks, assertRoomForSource } from './limits.ts';
import type { Stamp } from './new-definition.ts';
import { nextStep } from './next-step.ts';
import { SinkTransactions } from './sink-transactions.ts';
import type { Source } from './source.ts';
import { joinParts, rewritten, unchanged } from './transaction-part.ts';

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
 * go to the others only; or, while it is enabled or undeleted, a source that refuses records although some of its sinks are enabled.
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

  /**
   * Restores the source and the sinks that were deleted with it; none where that would be too many.
   * `deletedSourceNotFound`, `sourceCountLimitReached`, `sinkCountLimitReached`.
   */
  undelete(key: SourceKey, stamp: Stamp): Promise<number> {
    return commitSteps(this.#store, () => this.#nextOfUndelete(key, stamp));
  }

  #run(key: SourceKey, cascade: Cascade): Promise<number> {
    return commitSteps(this.#store, () => this.#next(key, cascade));
  }

  async #next(key: SourceKey, cascade: Cascade): Promise<Step> {
    const entry = await this.#store.get(activeSourceKey(key));
    if (entry === undefined) throw sourceMissing(key.sourceId);
    const end = cascade.source(decodeSource(entry));
    if (end === undefined) return { type: 'settled', revision: entry.modRevision };
    return nextStep({
      fence: { checks: [unchanged(entry)], writes: [] },
      parts: this.#parts(definitionPrefix.activeSink + sourceKeyText(key), cascade),
      last: { checks: [], writes: end },
    });
  }

  async #nextOfUndelete(key: SourceKey, stamp: Stamp): Promise<Step> {
    // The branch first: what is read behind it holds as long as its revision does.
    const branch = await this.#store.get(activeBranchKey(key));
    const entry = await this.#store.get(deletedSourceKey(key));
    if (entry === undefined) throw deletedSourceMissing(key.sourceId);
    if (branch === undefined) throw new AppError('invariantBroken', `Branch "${branchKeyText(key)}" has no record.`);
    const source = undeletedEntity(decodeSource(entry), stamp, 'itself');
    if (source === undefined) return { type: 'settled', revision: entry.modRevision };
    await assertRoomForSource(this.#store, key);
    const prefix = definitionPrefix.deletedSink + sourceKeyText(key);
    await assertRoomForSinks(this.#store, key, await this.#countDeletedWithSource(prefix));
    const restored: TransactionPart = {
      checks: [{ key: activeSourceKey(key), modRevision: 0 }],
      writes: [...putSource(source), { type: 'delete', key: entry.key }],
    };
    return nextStep({
      fence: { checks: [unchanged(entry)], writes: [] },
      parts: this.#parts(prefix, { sink: (sink) => this.#sinks.undelete(sink, { stamp, addressee: 'source' }) }),
      last: joinParts(rewritten(branch), restored),
    });
  }

  async *#parts(prefix: string, { sink }: Pick<Cascade, 'sink'>): AsyncGenerator<TransactionPart> {
    for await (const entry of allEntries(this.#store, `${prefix}/`)) {
      const part = await sink(entry);
      if (part !== undefined) yield part;
    }
  }

  async #countDeletedWithSource(prefix: string): Promise<number> {
    let count = 0;
    for await (const entry of allEntries(this.#store, `${prefix}/`)) if (decodeSink(entry).deleted?.directly === false) count += 1;
    return count;
  }
}
