import type { SinkAnswer } from '@sluice/contract/sink';
import type { SourceAnswer } from '@sluice/contract/source';
import type { TaskAnswer } from '@sluice/contract/task';
import type { SecretVault } from '../../accounts/secret-vault.ts';
import { sourceKeyText } from '../keys.ts';
import type { Sink } from '../sink.ts';
import { type Source, sourceKeyOf } from '../source.ts';
import type { TaskRecord } from '../task.ts';

interface ViewDeps {
  readonly vault: Pick<SecretVault, 'open'>;
  /** Public base URLs without a slash at the end. That of the API itself is known once it listens. */
  readonly apiUrl: () => string;
  readonly sourceUrl: string;
}

const maxOpened = 1000;

/** How entities look in answers; the order of fields is part of the contract. */
export class DefinitionViews {
  readonly #deps: ViewDeps;
  /** Secrets by owner and sealed copy: to open one costs more than all else about a source in a list. Oldest first. */
  readonly #opened = new Map<string, string>();

  constructor(deps: ViewDeps) {
    this.#deps = deps;
  }

  source(source: Source): SourceAnswer {
    const { projectId, branchId, sourceId, type, name, description, version, created } = source;
    const url = `${this.#deps.sourceUrl}/stream/${projectId}/${encodeURIComponent(sourceId)}/${this.#secretOf(source)}`;
    return { projectId, branchId, sourceId, type, name, description, http: { url }, version, created, ...endOf(source) };
  }

  sink(sink: Sink): SinkAnswer {
    const { projectId, branchId, sourceId, sinkId, type, name, description, allowedSignals = [], table, version, created } = sink;
    const signals = allowedSignals.length > 0 ? { allowedSignals } : {};
    const head = { projectId, branchId, sourceId, sinkId, type, name, description, ...signals };
    return { ...head, table, version, created, ...endOf(sink) };
  }

  task({ taskId, type, status, createdAt, finishedAt, durationMs, result, error, outputs }: TaskRecord): TaskAnswer {
    return {
      taskId,
      type,
      url: `${this.#deps.apiUrl()}/v1/tasks/${encodeURI(taskId)}`,
      status,
      isFinished: status !== 'processing',
      createdAt,
      ...(finishedAt !== undefined && { finishedAt }),
      ...(durationMs !== undefined && { duration: durationMs }),
      ...(result !== undefined && { result }),
      ...(error !== undefined && { error }),
      ...(outputs !== undefined && { outputs }),
    };
  }

  #secretOf(source: Source): string {
    const owner = sourceKeyText(sourceKeyOf(source));
    const key = `${owner} ${source.secret.sealed}`;
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const secret = this.#deps.vault.open(source.secret.sealed, owner);
    const oldest = this.#opened.keys().next();
    if (this.#opened.size >= maxOpened && !oldest.done) this.#opened.delete(oldest.value);
    this.#opened.set(key, secret);
    return secret;
  }

  sourceUrl({ branchId, sourceId }: Pick<Source, 'branchId' | 'sourceId'>): string {
    return `${this.#deps.apiUrl()}/v1/branches/${branchId}/sources/${encodeURIComponent(sourceId)}`;
  }

  sinkUrl(sink: Pick<Sink, 'branchId' | 'sourceId' | 'sinkId'>): string {
    return `${this.sourceUrl(sink)}/sinks/${encodeURIComponent(sink.sinkId)}`;
  }
}

/** Whether it was deleted or disabled directly is not shown. */
function endOf({ deleted, disabled }: Pick<Source, 'deleted' | 'disabled'>): Pick<SourceAnswer, 'deleted' | 'disabled'> {
  return {
    ...(deleted !== undefined && { deleted: { at: deleted.at, by: deleted.by } }),
    ...(disabled !== undefined && { disabled: { at: disabled.at, by: disabled.by, reason: disabled.reason } }),
  };
}
