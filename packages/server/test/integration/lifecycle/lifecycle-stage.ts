import { join } from 'node:path';
import type { MetadataStore } from '../../../src/engines/metadata/metadata-store.ts';
import { openMetadataStore } from '../../../src/engines/metadata/registry.ts';
import type { Principal } from '../../../src/features/accounts/principal.ts';
import { SecretVault } from '../../../src/features/accounts/secret-vault.ts';
import { allEntries } from '../../../src/features/definitions/all-entries.ts';
import type { BoundOperation } from '../../../src/features/definitions/bound-operation.ts';
import type { DefinitionHooks } from '../../../src/features/definitions/definition-hooks.ts';
import { definitionOperations } from '../../../src/features/definitions/definition-operations.ts';
import { sinkKeyText } from '../../../src/features/definitions/keys.ts';
import { type Sink, sinkKeyOf } from '../../../src/features/definitions/sink.ts';
import { TaskRunner } from '../../../src/features/definitions/task-runner.ts';
import { isAppError } from '../../../src/kernel/errors/app-error.ts';
import { countingIds } from '../../support/counting-ids.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { openTempFolder } from '../../support/temp-folder.ts';
import { TestClock } from '../../support/test-clock.ts';
import type { ModelAnswer } from './lifecycle-model.ts';

export interface Request {
  readonly operation: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/**
 * The operations of the API on the embedded metadata engine, without HTTP. In place of storage a sink has a key while it has an
 * open file, with the version that the file is of; opening twice, and closing or changing what is not open, never commits.
 */
export class LifecycleStage implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly store: MetadataStore;
  readonly dropped: string[] = [];
  readonly #vault = new SecretVault({ key: Buffer.alloc(32, 7), randomId: countingIds() });
  readonly #tasks: TaskRunner;
  readonly #operations: ReadonlyMap<string, BoundOperation>;
  readonly #resources: AsyncDisposable;

  static async open(): Promise<LifecycleStage> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(await openTempFolder());
    const store = stack.use(await openMetadataStore({ kind: 'sqlite', file: join(folder.path, 'metadata.db') }));
    return new LifecycleStage(store, stack.move());
  }

  private constructor(store: MetadataStore, resources: AsyncDisposable) {
    this.store = store;
    this.#resources = resources;
    this.#tasks = new TaskRunner({ store, clock: this.clock, logger: silentLogger, randomId: countingIds(), nodeId: 'node' });
    const operations = definitionOperations({
      store,
      vault: this.#vault,
      tasks: this.#tasks,
      hooks: this.#hooks(),
      mapping: { maxRowBytes: 1000, uuid: () => '' },
      hiddenHeaders: new Set(),
      clock: this.clock,
      logger: silentLogger,
      apiUrl: () => '',
      sourceUrl: '',
    });
    this.#operations = new Map(operations.map((bound) => [bound.operation.id, bound]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tasks.drain(1000);
    await this.#resources[Symbol.asyncDispose]();
  }

  /** Ends with the task, where the operation is one. */
  async answer(projectId: number, request: Request): Promise<ModelAnswer> {
    const bound = this.#operations.get(request.operation);
    if (!bound) throw new Error(`There is no operation ${request.operation}.`);
    const principal: Principal = { projectId, branchId: 1, tokenId: 't', description: '', role: 'admin' };
    const execute = (operation: BoundOperation, { params, query = {}, body }: Omit<Request, 'operation'>) => {
      const payload = body && Buffer.from(JSON.stringify(body));
      const raw = { params: { branchId: 'default', ...params }, query, body: payload, token: 't' };
      return operation.prepare({ ...raw, contentType: undefined, rawHeaders: [], clientIp: '' })(async () => principal);
    };
    try {
      const answer = (await execute(bound, request)) as { readonly taskId?: string };
      if (answer.taskId === undefined) return { result: '' };
      const { entityKey } = (await this.#tasks.find({ projectId, taskId: answer.taskId }))!;
      // The entity is free when the task has ended.
      await this.#tasks.whileHeld({ type: 'look', entityKey }, async () => {});
      const task = (await this.#tasks.find({ projectId, taskId: answer.taskId }))!;
      return task.status === 'success' ? { result: task.result ?? '' } : { error: `${task.status}: ${task.error}` };
    } catch (error) {
      if (isAppError(error)) return { error: error.code };
      throw error;
    }
  }

  /** Values below a prefix by the rest of their keys. */
  async records(prefix: string): Promise<Map<string, Record<string, never>>> {
    const entries = await Array.fromAsync(allEntries(this.store, prefix));
    return new Map(entries.map(({ key, value }) => [key.slice(prefix.length), JSON.parse(value)]));
  }

  secretOf(owner: string, sealed: string): string {
    return this.#vault.open(sealed, owner);
  }

  #hooks(): DefinitionHooks {
    const keyOf = (sink: Sink) => `open/${sinkKeyText(sinkKeyOf(sink))}`;
    const put = (key: string, sink: Sink) => ({ type: 'put' as const, key, value: JSON.stringify({ version: sink.version.number }) });
    const check = async (key: string) => ({ key, modRevision: (await this.store.get(key))?.modRevision ?? -1 });
    return {
      prepareTarget: async () => {},
      sinkActivated: async (sink) => ({ checks: [{ key: keyOf(sink), modRevision: 0 }], writes: [put(keyOf(sink), sink)] }),
      sinkChanged: async (sink) => ({ checks: [await check(keyOf(sink))], writes: [put(keyOf(sink), sink)] }),
      sinkDeactivated: async (sink) => ({ checks: [await check(keyOf(sink))], writes: [{ type: 'delete', key: keyOf(sink) }] }),
      dropTargets: async (sinks) => void this.dropped.push(...new Set(sinks.map(({ table }) => table.tableId))),
    };
  }
}
