import type { AggregatedStatistics } from '@sluice/contract/aggregation';
import { getTask } from '@sluice/contract/operations';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { SecretVault } from '../accounts/secret-vault.ts';
import type { MappingOptions } from '../mapping/compile-mapping.ts';
import { aggregationOperations } from './api/aggregation-operations.ts';
import { DefinitionViews } from './api/definition-views.ts';
import { deletedOperations } from './api/deleted-operations.ts';
import { restoreOperations } from './api/restore-operations.ts';
import { rotateOperations } from './api/rotate-operations.ts';
import { settingsOperations } from './api/settings-operations.ts';
import { sinkChanges } from './api/sink-changes.ts';
import { sinkOperations } from './api/sink-operations.ts';
import { sourceChanges } from './api/source-changes.ts';
import { sourceOperations } from './api/source-operations.ts';
import { testOperations } from './api/test-operations.ts';
import { versionOperations } from './api/version-operations.ts';
import { bindProject } from './bind-operation.ts';
import type { BoundOperation } from './bound-operation.ts';
import type { DefinitionHooks } from './definition-hooks.ts';
import { DefinitionRestorer } from './definition-restorer.ts';
import { DefinitionStore } from './definition-store.ts';
import { DefinitionWriter } from './definition-writer.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import type { SinkKey } from './keys.ts';
import type { SettingDefaults } from './settings.ts';
import { SourceCascade } from './source-cascade.ts';
import { SourceErasure } from './source-erasure.ts';
import type { TaskRunner } from './task-runner.ts';

/**
 * The configuration API of sources and sinks.
 *
 * `contract/operations.ts` says what each operation takes and answers; the files of `api/` bind code to them.
 * Reads (`definition-store.ts`) answer at once. Writes validate, then start a task that commits and waits until every source
 * node works with it: one transaction for one entity (`definition-writer.ts`, `definition-restorer.ts`), several where a source
 * takes its sinks along (`source-cascade.ts`, `source-erasure.ts`). One operation works on an entity at a time, others wait
 * (`entity-holds.ts`). Definitions live in metadata (`keys.ts`); an entity is written together with its version record, and
 * a sink together with its open file (`definition-hooks.ts`).
 */
export interface DefinitionApiDeps {
  readonly store: MetadataStore;
  readonly vault: SecretVault;
  readonly tasks: TaskRunner;
  readonly hooks: DefinitionHooks;
  readonly mapping: MappingOptions;
  /** Where the service is configured otherwise than the contract says. */
  readonly settingDefaults?: SettingDefaults;
  /** What another feature knows of a sink; absent: sinks are shown without. */
  readonly sinkStatistics?: (key: SinkKey) => Promise<AggregatedStatistics>;
  /** Headers that no column shows, lower case; the token of this API never. */
  readonly hiddenHeaders: ReadonlySet<string>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Public base URLs without a slash at the end. That of the API itself is known once it listens. */
  readonly apiUrl: () => string;
  readonly sourceUrl: string;
}

/** All operations that are built. */
export function definitionOperations(deps: DefinitionApiDeps): BoundOperation[] {
  const { tasks } = deps;
  const room = {
    ...deps,
    definitions: new DefinitionStore(deps.store),
    writer: new DefinitionWriter(deps),
    cascade: new SourceCascade(deps),
    erasure: new SourceErasure(deps),
    restorer: new DefinitionRestorer(deps),
    views: new DefinitionViews(deps),
    perSource: new KeyedMutex(),
  };
  return [
    ...aggregationOperations(room),
    ...sourceOperations(room),
    ...sourceChanges(room),
    ...settingsOperations(room),
    ...versionOperations(room),
    ...sinkOperations(room),
    ...sinkChanges(room),
    ...deletedOperations(room),
    ...restoreOperations(room),
    ...rotateOperations(room),
    ...testOperations(room),
    bindProject(getTask, async ({ principal: { projectId }, params: { taskId } }) => {
      const task = await tasks.find({ projectId, taskId });
      if (task === undefined) throw new AppError('taskNotFound', `Task "${taskId}" not found in the project.`);
      return room.views.task(task);
    }),
  ];
}
