import type { MetadataEntry, MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import { commit, commitSteps } from './commit.ts';
import {
  activeBranchKey,
  activeSinkKey,
  activeSourceKey,
  decodeSink,
  decodeSource,
  deletedSinkKey,
  deletedSourceKey,
} from './definition-codec.ts';
import { sinkExists, sinkMissing, sourceExists, sourceMissing } from './definition-errors.ts';
import type { DefinitionHooks, TransactionPart } from './definition-hooks.ts';
import { putSink, putSource } from './entity-writes.ts';
import { branchKeyText, type SinkKey, type SourceKey } from './keys.ts';
import { assertRoomForSinks, assertRoomForSinkVersion, assertRoomForSource, assertRoomForSourceVersion } from './limits.ts';
import type { Stamp } from './new-definition.ts';
import type { Sink } from './sink.ts';
import { type SinkOperation, SinkTransactions } from './sink-transactions.ts';
import type { Source } from './source.ts';
import { joinParts, removed, rewritten, unchanged } from './transaction-part.ts';

interface DefinitionWriterDeps {
  readonly store: MetadataStore;
  readonly hooks: DefinitionHooks;
}

/**
 * Changes of one source or sink in metadata; each resolves to the committed revision. An entity and its version record change
 * in one transaction. Activating an entity writes its parent again: so two creations of one parent never commit on the same
 * count, limits hold, and operations on the parent notice.
 */
export class DefinitionWriter {
  readonly #store: MetadataStore;
  readonly #hooks: DefinitionHooks;
  readonly #sinks: SinkTransactions;

  constructor({ store, hooks }: DefinitionWriterDeps) {
    this.#store = store;
    this.#hooks = hooks;
    this.#sinks = new SinkTransactions(hooks);
  }

  /** `make` gets the deleted source of the same id. `sourceAlreadyExists`, `sourceCountLimitReached`. */
  createSource(key: SourceKey, make: (deleted: Source | undefined) => Source): Promise<number> {
    return commit(this.#store, async () => {
      // The parent first: what is read behind it holds as long as its revision does.
      const branch = await this.#store.get(activeBranchKey(key));
      const [existing, deleted] = await this.#both(activeSourceKey(key), deletedSourceKey(key));
      if (existing !== undefined) throw sourceExists(key.sourceId);
      if (branch === undefined) throw new AppError('invariantBroken', `Branch "${branchKeyText(key)}" has no record.`);
      await assertRoomForSource(this.#store, key);
      const writes = putSource(make(deleted && decodeSource(deleted)));
      return joinParts(rewritten(branch), { checks: [{ key: activeSourceKey(key), modRevision: 0 }], writes }, revived(deleted));
    });
  }

  /** As `createSource`. `sourceNotFound`, `sinkAlreadyExists`, `sinkCountLimitReached`, and what the hook throws. */
  createSink(key: SinkKey, make: (deleted: Sink | undefined) => Sink): Promise<number> {
    return commit(this.#store, async () => {
      const source = await this.#parent(key);
      const [existing, deleted] = await this.#both(activeSinkKey(key), deletedSinkKey(key));
      if (existing !== undefined) throw sinkExists(key.sinkId);
      await assertRoomForSinks(this.#store, key, 1);
      const sink = make(deleted && decodeSink(deleted));
      const creation = { checks: [{ key: activeSinkKey(key), modRevision: 0 }], writes: putSink(sink) };
      return joinParts(rewritten(source), creation, revived(deleted), await this.#hooks.sinkActivated(sink));
    });
  }

  /** `change` makes the next version of whatever the source is at that moment. `sourceNotFound`, `versionCountLimitReached`. */
  updateSource(key: SourceKey, change: (source: Source) => Source): Promise<number> {
    return commit(this.#store, async () => {
      const entry = await this.#store.get(activeSourceKey(key));
      if (entry === undefined) throw sourceMissing(key.sourceId);
      await assertRoomForSourceVersion(this.#store, key);
      return { checks: [unchanged(entry)], writes: putSource(change(decodeSource(entry))) };
    });
  }

  /** As `updateSource`. `sinkNotFound`, and what the hooks throw. */
  updateSink(key: SinkKey, change: (sink: Sink) => Sink): Promise<number> {
    return commit(this.#store, async () => {
      const entry = await this.#sink(key);
      await assertRoomForSinkVersion(this.#store, key);
      return this.#sinks.change(entry, change(decodeSink(entry)));
    });
  }

  /** `sinkNotFound`. */
  deleteSink(key: SinkKey, stamp: Stamp): Promise<number> {
    return commit(this.#store, async () => this.#sinks.delete(await this.#sink(key), direct(stamp)));
  }

  /** `sinkNotFound`. A disabled sink stays as it is. */
  disableSink(key: SinkKey, stamp: Stamp): Promise<number> {
    return this.#switch(key, (entry) => this.#sinks.disable(entry, direct(stamp)));
  }

  /** `sinkNotFound`, `sourceNotFound`. A sink that is enabled, or was disabled with its source, stays as it is. */
  enableSink(key: SinkKey, stamp: Stamp): Promise<number> {
    return this.#switch(key, async (entry) => {
      const source = await this.#parent(key);
      const part = await this.#sinks.enable(entry, direct(stamp));
      return part && joinParts(rewritten(source), part);
    });
  }

  #switch(key: SinkKey, build: (entry: MetadataEntry) => Promise<TransactionPart | undefined>): Promise<number> {
    return commitSteps(this.#store, async () => {
      const entry = await this.#sink(key);
      const transaction = await build(entry);
      return transaction === undefined ? { type: 'settled', revision: entry.modRevision } : { type: 'last', transaction };
    });
  }

  async #sink(key: SinkKey): Promise<MetadataEntry> {
    const entry = await this.#store.get(activeSinkKey(key));
    if (entry === undefined) throw sinkMissing(key.sinkId);
    return entry;
  }

  async #parent(key: SinkKey): Promise<MetadataEntry> {
    const entry = await this.#store.get(activeSourceKey(key));
    if (entry === undefined) throw sourceMissing(key.sourceId);
    return entry;
  }

  #both(one: string, other: string): Promise<[MetadataEntry | undefined, MetadataEntry | undefined]> {
    return Promise.all([this.#store.get(one), this.#store.get(other)]);
  }
}

const direct = (stamp: Stamp): SinkOperation => ({ stamp, addressee: 'itself' });

/** The deleted record goes when an entity of its id is there again. */
const revived = (deleted: MetadataEntry | undefined): TransactionPart =>
  deleted === undefined ? { checks: [], writes: [] } : removed(deleted);
