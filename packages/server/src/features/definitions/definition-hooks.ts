import type { MetadataCheck, MetadataWrite } from '../../engines/metadata/metadata-store.ts';
import type { Sink } from './sink.ts';

/**
 * What another feature adds to operations of definitions, filled in at composition:
 * `storage` opens and closes the files of sinks, so that a sink and its open file change in one transaction.
 * The checks and writes of each hook join the transaction that stores the sink, and the hook is called again when that has to
 * be repeated. One sink may take some ten operations of a transaction.
 */
export interface DefinitionHooks {
  /** Before the transaction: make the target table exist with all columns. May take seconds; errors end the task. */
  prepareTarget(sink: Sink): Promise<void>;
  /** The sink takes rows from now on: it is new, or enabled again. */
  sinkActivated(sink: Sink): Promise<TransactionPart>;
  /** The sink, enabled before and after, has a new version: given is the new one. */
  sinkChanged(sink: Sink): Promise<TransactionPart>;
  /** The sink, enabled before, is disabled or deleted. */
  sinkDeactivated(sink: Sink): Promise<TransactionPart>;
  /**
   * After the sinks are deleted, never to come back: drops their tables once what was received for them is imported, so that no
   * import makes a table again. May take a minute. `tablesNotDropped` names the tables that are left; the others are gone.
   */
  dropTargets(sinks: readonly Sink[], signal: AbortSignal): Promise<void>;
}

export interface TransactionPart {
  readonly checks: readonly MetadataCheck[];
  readonly writes: readonly MetadataWrite[];
}
