import type { AggregatedStatistics } from '@sluice/contract/aggregation';
import type { MetadataStore } from '../../../engines/metadata/metadata-store.ts';
import { utcTime } from '../../../kernel/codec/utc-time.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { Principal } from '../../accounts/principal.ts';
import type { SecretVault } from '../../accounts/secret-vault.ts';
import type { MappingOptions } from '../../mapping/compile-mapping.ts';
import { actorOf } from '../actor.ts';
import type { DefinitionHooks } from '../definition-hooks.ts';
import type { DefinitionRestorer } from '../definition-restorer.ts';
import type { DefinitionStore } from '../definition-store.ts';
import type { DefinitionWriter } from '../definition-writer.ts';
import type { KeyedMutex } from '../keyed-mutex.ts';
import type { SinkKey } from '../keys.ts';
import type { Stamp } from '../new-definition.ts';
import type { SettingDefaults } from '../settings.ts';
import type { SourceCascade } from '../source-cascade.ts';
import type { SourceErasure } from '../source-erasure.ts';
import type { TaskRunner } from '../task-runner.ts';
import type { DefinitionViews } from './definition-views.ts';

/** What the operations of this folder work with. */
export interface OperationRoom {
  readonly store: MetadataStore;
  readonly definitions: DefinitionStore;
  readonly writer: DefinitionWriter;
  readonly cascade: SourceCascade;
  readonly erasure: SourceErasure;
  readonly restorer: DefinitionRestorer;
  readonly views: DefinitionViews;
  readonly vault: SecretVault;
  readonly tasks: TaskRunner;
  /** By source key: tasks on one source and its sinks run one at a time. */
  readonly perSource: KeyedMutex;
  readonly hooks: DefinitionHooks;
  readonly mapping: MappingOptions;
  /** Where the service is configured otherwise than the contract says. */
  readonly settingDefaults?: SettingDefaults;
  /** Of a sink that is there; absent where nothing is known of any. */
  readonly sinkStatistics?: (key: SinkKey) => Promise<AggregatedStatistics>;
  /** Headers that no column shows, lower case. */
  readonly hiddenHeaders: ReadonlySet<string>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Now, and who calls. */
export const stampOf = ({ clock }: Pick<OperationRoom, 'clock'>, { principal }: { readonly principal: Principal }): Stamp => ({
  at: utcTime(clock.now()),
  by: actorOf(principal),
});
