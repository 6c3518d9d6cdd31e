import type { MetadataStore } from '../../../engines/metadata/metadata-store.ts';
import type { Logger } from '../../../kernel/observe/logger.ts';
import type { Clock } from '../../../kernel/time/clock.ts';
import type { SecretVault } from '../../accounts/secret-vault.ts';
import type { MappingOptions } from '../../mapping/compile-mapping.ts';
import type { DefinitionHooks } from '../definition-hooks.ts';
import type { DefinitionStore } from '../definition-store.ts';
import type { TaskRunner } from '../task-runner.ts';
import type { DefinitionViews } from './definition-views.ts';

/** What the operations of this folder work with. */
export interface OperationRoom {
  readonly store: MetadataStore;
  readonly definitions: DefinitionStore;
  readonly views: DefinitionViews;
  readonly vault: SecretVault;
  readonly tasks: TaskRunner;
  readonly hooks: DefinitionHooks;
  readonly mapping: MappingOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}
