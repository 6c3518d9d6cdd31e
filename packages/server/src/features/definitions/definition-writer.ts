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
  sinkVersionPrefix,
  sourceVersionPrefix,
} from './definition-codec.ts';
import { sinkExists, sinkMissing, sourceExists, sourceMissing } from './definition-errors.ts';
import type { DefinitionHooks, TransactionPart } from './definition-hooks.ts';
import { putSink, putSource } from './entity-writes.ts';
import { branchKeyText, definitionPrefix, type SinkKey, type SourceKey, sourceKeyText } from './keys.ts';
import type { Stamp } from './new-definition.ts';
import { targetDiffers } from './patched-definition.ts';
import type { Sink } from './sink.ts';
import { type SinkOperation, SinkTransactions } from './sink-transactions.ts';
import type { Source } from './source.ts';
import { joinParts } from './transaction-part.ts';

const maxSources = 100;
const maxSinks = 100;
const maxVersions = 1000;

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
      if ((await this.#store.count(`${definitionPrefix.activeSource}${branchKeyText(key)}/`)) >= maxSources) {
        throw new AppError('sourceCountLimitReached', `Source count limit reached in the branch, the maximum is ${maxSources}.`);
      }
      const writes = putSource(make(deleted && decodeSource(deleted)));
      return joinParts(rewritten(branch), { checks: [{ key: activeSourceKey(key), modRevision: 0 }], writes }, removed(deleted));
    });
  }

  /** As `createSource`. `sourceNotFound`, `sinkAlreadyExists`, `sinkCountLimitReached`, and what the hook throws. */
  createSink(key: SinkKey, make: (deleted: Sink | undefined) => Sink): Promise<number> {
    return commit(this.#store, async () => {
      const source = await this.#parent(key);
      const [existing, deleted] = await this.#both(activeSinkKey(key), deletedSinkKey(key));
      if (existing !== undefined) throw sinkExists(key.sinkId);
      if ((await this.#store.count(`${definitionPrefix.activeSink}${sourceKeyText(key)}/`)) >= maxSinks) {
        throw new AppError('sinkCountLimitReached', `Sink count limit reached in the source, the maximum is ${maxSinks}.`);
      }
      const sink = make(deleted && decodeSink(deleted));
      const creation = { checks: [{ key: activeSinkKey(key), modRevision: 0 }], writes: putSink(sink) };
      return joinParts(rewritten(source), creation, removed(deleted), await this.#hooks.sinkActivated(sink));
    });
  }

  /** `change` makes the next version of whatever the source is at that moment. `sourceNotFound`, `versionCountLimitReached`. */
  updateSource(key: SourceKey, change: (source: Source) => Source): Promise<number> {
    return commit(this.#store, async () => {
      const entry = await this.#store.get(activeSourceKey(key));
      if (entry === undefined) throw sourceMissing(key.sourceId);
      await this.#assertRoomForVersion(sourceVersionPrefix(key), 'source');
      return { checks: [unchanged(entry)], writes: putSource(change(decodeSource(entry))) };
    });
  }

  /** As `updateSource`. The target is prepared first where the change needs another one. `sinkNotFound`, and what the hooks throw. */
  updateSink(key: SinkKey, change: (sink: Sink) => Sink): Promise<number> {
    return commit(this.#store, async () => {
      const entry = await this.#sink(key);
      await this.#assertRoomForVersion(sinkVersionPrefix(key), 'sink');
      const before = decodeSink(entry);
      const after = change(before);
      if (targetDiffers(before, after)) await this.#hooks.prepareTarget(after);
      return this.#sinks.change(entry, after);
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

  async #assertRoomForVersion(prefix: string, kind: 'source' | 'sink'): Promise<void> {
    if ((await this.#store.count(prefix)) < maxVersions) return;
    throw new AppError('versionCountLimitReached', `Version count limit reached in the ${kind}, the maximum is ${maxVersions}.`);
  }
}

const direct = (stamp: Stamp): SinkOperation => ({ stamp, addressee: 'itself' });
const unchanged = ({ key, modRevision }: MetadataEntry) => ({ key, modRevision });

/** The parent as it is, with a new revision. */
const rewritten = (entry: MetadataEntry): TransactionPart => ({
  checks: [unchanged(entry)],
  writes: [{ type: 'put', key: entry.key, value: entry.value }],
});

/** The deleted record goes when an entity of its id is there again. */
const removed = (deleted: MetadataEntry | undefined): TransactionPart =>
  deleted === undefined ? { checks: [], writes: [] } : { checks: [unchanged(deleted)], writes: [{ type: 'delete', key: deleted.key }] };
