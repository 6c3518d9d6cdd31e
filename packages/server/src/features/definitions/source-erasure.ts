import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { allEntries } from './all-entries.ts';
import { commitSteps } from './commit.ts';
import { decodeSink, deletedSourceKey, sourceVersionPrefix } from './definition-codec.ts';
import { deletedSourceMissing } from './definition-errors.ts';
import type { DefinitionHooks, TransactionPart } from './definition-hooks.ts';
import { branchKeyText, definitionPrefix, type SourceKey, sourceKeyText } from './keys.ts';
import type { Stamp } from './new-definition.ts';
import { nextStep } from './next-step.ts';
import type { Sink } from './sink.ts';
import { SourceCascade } from './source-cascade.ts';
import { unchanged } from './transaction-part.ts';

interface Erasure {
  readonly stamp: Stamp;
  readonly signal: AbortSignal;
  /** Resolves when every source node works with the revision, or is no longer waited for. */
  readonly untilApplied: (revision: number) => Promise<void>;
}

const pageSize = 100;

/**
 * Deletes a source for good: with its sinks, deleted ones too, the versions of all, and their tables.
 *
 * The source is deleted as usual, then the tables are dropped that no other source writes to, then the records are erased, in
 * batches and the source's own last. Cut off before the end, it is a deleted source: undeleted and erased again it is gone. A
 * table that cannot be dropped fails the operation, but only after the records are erased. Numbers of versions begin anew, so
 * nothing is erased before every source node knows of the deletion: a row of the old version 1 must not meet the new one.
 */
export class SourceErasure {
  readonly #store: MetadataStore;
  readonly #hooks: DefinitionHooks;
  readonly #cascade: SourceCascade;

  constructor(deps: { readonly store: MetadataStore; readonly hooks: DefinitionHooks }) {
    this.#store = deps.store;
    this.#hooks = deps.hooks;
    this.#cascade = new SourceCascade(deps);
  }

  /** The revision of the end. `sourceNotFound`; `tablesNotDropped` after it is erased. An abort leaves it deleted. */
  async run(key: SourceKey, { stamp, signal, untilApplied }: Erasure): Promise<number> {
    await untilApplied(await this.#cascade.delete(key, stamp));
    const [dropped] = await Promise.allSettled([this.#hooks.dropTargets(await this.#ownTargets(key), signal)]);
    signal.throwIfAborted();
    const revision = await this.#erase(key);
    if (dropped.status === 'rejected') throw dropped.reason;
    return revision;
  }

  /** The source's sinks, but for those whose table a sink of another source writes to. */
  async #ownTargets(key: SourceKey): Promise<Sink[]> {
    const sinks: Sink[] = [];
    for await (const entry of allEntries(this.#store, `${definitionPrefix.deletedSink}${sourceKeyText(key)}/`))
      sinks.push(decodeSink(entry));
    const shared = new Set<string>();
    for await (const entry of allEntries(this.#store, `${definitionPrefix.activeSink}${branchKeyText(key)}/`)) {
      shared.add(decodeSink(entry).table.tableId);
    }
    return sinks.filter(({ table }) => !shared.has(table.tableId));
  }

  #erase(key: SourceKey): Promise<number> {
    return commitSteps(this.#store, async () => {
      const entry = await this.#store.get(deletedSourceKey(key));
      if (entry === undefined) throw deletedSourceMissing(key.sourceId);
      const last: TransactionPart = { checks: [], writes: [{ type: 'delete', key: entry.key }] };
      return nextStep({ fence: { checks: [unchanged(entry)], writes: [] }, parts: this.#records(key), last });
    });
  }

  async *#records(key: SourceKey): AsyncGenerator<TransactionPart> {
    const sinkPrefixes = [definitionPrefix.deletedSink, definitionPrefix.sinkVersion].map((prefix) => `${prefix}${sourceKeyText(key)}/`);
    for (const prefix of [...sinkPrefixes, sourceVersionPrefix(key)]) {
      for await (const entry of allEntries(this.#store, prefix, pageSize)) {
        yield { checks: [], writes: [{ type: 'delete', key: entry.key }] };
      }
    }
  }
}
