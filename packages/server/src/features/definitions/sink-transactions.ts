import type { MetadataEntry } from '../../engines/metadata/metadata-store.ts';
import { decodeSink } from './definition-codec.ts';
import type { DefinitionHooks, TransactionPart } from './definition-hooks.ts';
import { type Addressee, deletedEntity, disabledEntity, enabledEntity } from './entity-change.ts';
import { moveDeletedSink, putSink } from './entity-writes.ts';
import type { Stamp } from './new-definition.ts';
import type { Sink } from './sink.ts';
import { joinParts } from './transaction-part.ts';

type SinkHooks = Pick<DefinitionHooks, 'sinkActivated' | 'sinkChanged' | 'sinkDeactivated'>;

export interface SinkOperation {
  readonly stamp: Stamp;
  readonly addressee: Addressee;
}

/**
 * What an operation on a sink adds to a transaction: the record fenced by its revision, and the share of the hooks.
 * `undefined` where the sink is already as the operation wants it, or is not its concern.
 */
export class SinkTransactions {
  readonly #hooks: SinkHooks;

  constructor(hooks: SinkHooks) {
    this.#hooks = hooks;
  }

  async change(entry: MetadataEntry, after: Sink): Promise<TransactionPart> {
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
    return joinParts({ checks: [unchanged(entry)], writes: putSink(enabled) }, await this.#hooks.sinkActivated(enabled));
  }

  async delete(entry: MetadataEntry, { stamp, addressee }: SinkOperation): Promise<TransactionPart> {
    const sink = decodeSink(entry);
    const deletion = { checks: [unchanged(entry)], writes: moveDeletedSink(deletedEntity(sink, stamp, addressee)) };
    return sink.disabled === undefined ? joinParts(deletion, await this.#hooks.sinkDeactivated(sink)) : deletion;
  }
}

const unchanged = ({ key, modRevision }: MetadataEntry) => ({ key, modRevision });
