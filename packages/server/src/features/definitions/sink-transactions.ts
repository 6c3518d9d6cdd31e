import type { MetadataEntry } from '../../engines/metadata/metadata-store.ts';
import { activeSinkKey, decodeSink } from './definition-codec.ts';
import type { DefinitionHooks, TransactionPart } from './definition-hooks.ts';
import { type Addressee, deletedEntity, disabledEntity, enabledEntity, undeletedEntity } from './entity-change.ts';
import { moveDeletedSink, putSink } from './entity-writes.ts';
import type { Stamp } from './new-definition.ts';
import { targetDiffers } from './patched-definition.ts';
import { type Sink, sinkKeyOf } from './sink.ts';
import { joinParts, removed, unchanged } from './transaction-part.ts';

type SinkHooks = Pick<DefinitionHooks, 'prepareTarget' | 'sinkActivated' | 'sinkChanged' | 'sinkDeactivated'>;

export interface SinkOperation {
  readonly stamp: Stamp;
  readonly addressee: Addressee;
}

/**
 * What an operation on a sink adds to a transaction: the record fenced by its revision, and the share of the hooks. The target
 * is prepared first where rows may go to it that did not before.
 * `undefined` where the sink is already as the operation wants it, or is not its concern.
 */
export class SinkTransactions {
  readonly #hooks: SinkHooks;

  constructor(hooks: SinkHooks) {
    this.#hooks = hooks;
  }

  async change(entry: MetadataEntry, after: Sink): Promise<TransactionPart> {
    if (targetDiffers(decodeSink(entry), after)) await this.#hooks.prepareTarget(after);
    const change = { checks: [unchanged(entry)], writes: putSink(after) };
    return after.disabled === undefined ? joinParts(change, await this.#hooks.sinkChanged(after)) : change;
  }

  async disable(entry: MetadataEntry, { stamp, addressee }: SinkOperation): Promise<TransactionPart | undefined> {
    const sink = decodeSink(entry);
    if (sink.disabled !== undefined) return undefined;
    const writes = putSink(disabledEntity(sink, stamp, addressee));
    return joinParts({ checks: [unchanged(entry)], writes }, await this.#hooks.sinkDeactivated(sink));
  }

  async enable(entry: MetadataEntry, { stamp, addressee }: SinkOperation): Promise<TransactionPart | undefined> {
    const enabled = enabledEntity(decodeSink(entry), stamp, addressee);
    if (enabled === undefined) return undefined;
    return joinParts({ checks: [unchanged(entry)], writes: putSink(enabled) }, await this.#activation(enabled));
  }

  async delete(entry: MetadataEntry, { stamp, addressee }: SinkOperation): Promise<TransactionPart> {
    const sink = decodeSink(entry);
    const deletion = { checks: [unchanged(entry)], writes: moveDeletedSink(deletedEntity(sink, stamp, addressee)) };
    return sink.disabled === undefined ? joinParts(deletion, await this.#hooks.sinkDeactivated(sink)) : deletion;
  }

  /** Given is the deleted record. A sink that was disabled before its deletion is disabled again. */
  async undelete(entry: MetadataEntry, { stamp, addressee }: SinkOperation): Promise<TransactionPart | undefined> {
    const sink = undeletedEntity(decodeSink(entry), stamp, addressee);
    if (sink === undefined) return undefined;
    const restored = { checks: [{ key: activeSinkKey(sinkKeyOf(sink)), modRevision: 0 }], writes: putSink(sink) };
    const part = joinParts(removed(entry), restored);
    return sink.disabled === undefined ? joinParts(part, await this.#activation(sink)) : part;
  }

  async #activation(sink: Sink): Promise<TransactionPart> {
    await this.#hooks.prepareTarget(sink);
    return this.#hooks.sinkActivated(sink);
  }
}
