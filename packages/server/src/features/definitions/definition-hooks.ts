import type { MetadataCheck, MetadataWrite } from '../../engines/metadata/metadata-store.ts';
import type { Sink } from './sink.ts';

/**
 * What another feature adds to operations of definitions, filled in at composition:
 * `storage` opens the first file and slice of a sink, so that the sink and its slice appear in one transaction.
 */
export interface DefinitionHooks {
  /** Before the transaction: make the target table exist. May take seconds; errors end the task. */
  prepareTarget(sink: Sink): Promise<void>;
  /** Checks and writes that join the transaction which creates the sink. Called again when it has to be repeated. */
  sinkCreated(sink: Sink): Promise<TransactionPart>;
}

export interface TransactionPart {
  readonly checks: readonly MetadataCheck[];
  readonly writes: readonly MetadataWrite[];
}
