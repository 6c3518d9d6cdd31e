import type { TaskOutputs } from '@sluice/contract/task';
import type { MetadataStore } from '../../engines/metadata/metadata-store.ts';
import { Backoff } from '../../kernel/async/backoff.ts';
import { sleep } from '../../kernel/async/sleep.ts';
import { sentence } from '../../kernel/codec/sentence.ts';
import { utcTime } from '../../kernel/codec/utc-time.ts';
import { AppError, errorText, isAppError } from '../../kernel/errors/app-error.ts';
import type { Part } from '../../kernel/lifecycle/part.ts';
import type { Logger } from '../../kernel/observe/logger.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import { backgroundTimer, type StartTimer } from '../../kernel/time/start-timer.ts';
import { EntityHolds, type EntityOperation } from './entity-holds.ts';
import { type TaskRecord, taskRecordKey, taskTimeoutMs } from './task.ts';
import { decodeTask, sweepTasks } from './task-sweep.ts';

interface TaskRunnerDeps {
  readonly store: MetadataStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly randomId: (length: number) => string;
  /** Stable over restarts: what this node left unfinished is ended by `recover`. */
  readonly nodeId: string;
  readonly startTimer?: StartTimer;
}

export interface TaskRequest {
  /** `api.create.source` and the like. */
  readonly type: string;
  readonly projectId: number;
  /** `<branchId>/<sourceId>[/<sinkId>]`; with the project it is the entity key. */
  readonly entity: string;
  readonly outputs: TaskOutputs;
  /** Of a failed task too: what it leaves behind is not as it was. */
  readonly keepsOutputs?: boolean;
  /** Looks at the entity once no other operation works on it, before the task is made; what it throws is the client's answer. */
  check?(): Promise<unknown>;
  /** The success text. A rejection ends the task with the text of the error. */
  run(signal: AbortSignal): Promise<string>;
}

const sweepIntervalMs = 3_600_000;
const maxRunning = 500;
const finishAttempts = 8;

/**
 * Executes tasks: `start` makes the record durable and answers, the work goes on behind it.
 * One operation on each entity at a time on this node; over nodes the transactions of the work itself decide who wins.
 */
export class TaskRunner implements Part {
  readonly name = 'tasks';
  readonly #deps: TaskRunnerDeps;
  readonly #startTimer: StartTimer;
  readonly #holds: EntityHolds;
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #state: 'accepting' | 'draining' = 'accepting';

  constructor(deps: TaskRunnerDeps) {
    this.#deps = deps;
    this.#startTimer = deps.startTimer ?? backgroundTimer;
    this.#holds = new EntityHolds({ clock: deps.clock, startTimer: this.#startTimer });
  }

  /** Undefined once a finished operation began more than half a second ago. */
  operationOn(entityKey: string): EntityOperation | undefined {
    return this.#holds.operationOn(entityKey);
  }

  /**
   * The record as it was before the work began. Waits while another operation works on the entity.
   * `operationInProgress` where that takes too long, `overloaded`, `shutdown`, and what the check throws.
   */
  async start(request: TaskRequest): Promise<TaskRecord> {
    const entityKey = `${request.projectId}/${request.entity}`;
    this.#assertAccepting();
    const release = await this.#holds.acquire(entityKey, request.type);
    try {
      await request.check?.();
      this.#assertAccepting();
    } catch (error) {
      release();
      throw error;
    }
    const stored = this.#store(request, entityKey);
    const work = stored
      .then(
        (task) => this.#execute(task, request),
        () => {},
      )
      .finally(() => {
        this.#running.delete(work);
        release();
      });
    this.#running.add(work);
    return stored;
  }

  /** An operation that is no task, while no other one works on the entity. Waits and rejects as `start`, and with the action. */
  async whileHeld<T>({ type, entityKey }: { readonly type: string; readonly entityKey: string }, action: () => Promise<T>): Promise<T> {
    this.#assertAccepting();
    const release = await this.#holds.acquire(entityKey, type);
    try {
      return await action();
    } finally {
      release();
    }
  }

  /** The task, undefined where the project has none of this id. */
  async find(key: Pick<TaskRecord, 'projectId' | 'taskId'>): Promise<TaskRecord | undefined> {
    const entry = await this.#deps.store.get(taskRecordKey(key).toWellFormed());
    return entry && decodeTask(entry);
  }

  /** To be called once before the first `start`: ends what an earlier process of this node left unfinished. */
  recover(): Promise<void> {
    return sweepTasks({ ...this.#deps, restartedNodeId: this.#deps.nodeId });
  }

  /** Sweeps once an hour until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (await sleep(sweepIntervalMs, signal, this.#startTimer)) {
      try {
        await sweepTasks(this.#deps);
      } catch (error) {
        this.#deps.logger.warn({ error: errorText(error) }, 'old tasks could not be swept');
      }
    }
  }

  async stopAccepting(): Promise<void> {
    this.#state = 'draining';
  }

  /** Settles when no task runs; those that run after `timeoutMs` are aborted. */
  async drain(timeoutMs: number): Promise<void> {
    this.#state = 'draining';
    const abort = () => this.#stop.abort(new AppError('shutdown', 'The service stopped before the task was finished.'));
    const cancelTimer = this.#startTimer(timeoutMs, abort);
    await Promise.all(this.#running);
    cancelTimer();
  }

  #assertAccepting(): void {
    if (this.#state === 'draining') throw new AppError('shutdown', 'The service is shutting down.');
    if (this.#running.size >= maxRunning) throw new AppError('overloaded', `${maxRunning} tasks are running already; try again later.`);
  }

  async #store({ type, projectId, entity }: TaskRequest, entityKey: string): Promise<TaskRecord> {
    const { clock, randomId, nodeId, store } = this.#deps;
    const createdAt = utcTime(clock.now());
    const taskId = `${type}/${entity}/${createdAt}_${randomId(5)}`;
    const task: TaskRecord = { projectId, taskId, type, entityKey, nodeId, status: 'processing', createdAt };
    await store.transact({ checks: [], writes: [{ type: 'put', key: taskRecordKey(task), value: JSON.stringify(task) }] });
    return task;
  }

  async #execute(task: TaskRecord, request: TaskRequest): Promise<void> {
    const timeout = new AbortController();
    const cancelTimer = this.#startTimer(taskTimeoutMs, () =>
      timeout.abort(new AppError('requestTimeout', 'The task took over 5 minutes.')),
    );
    try {
      const result = await request.run(AbortSignal.any([timeout.signal, this.#stop.signal]));
      await this.#finish(task, { status: 'success', result, outputs: request.outputs });
    } catch (error) {
      const exceptionId = `keboola-stream-${this.#deps.randomId(15)}`;
      this.#deps.logger.warn({ taskId: task.taskId, exceptionId, error: errorText(error) }, 'task failed');
      const outputs = request.keepsOutputs === true ? { outputs: request.outputs } : {};
      await this.#finish(task, { status: 'error', error: taskErrorText(error), exceptionId, ...outputs });
    } finally {
      cancelTimer();
    }
  }

  /** Never rejects: a record that cannot be written is ended by a later sweep. */
  async #finish(task: TaskRecord, end: Pick<TaskRecord, 'status' | 'result' | 'error' | 'exceptionId' | 'outputs'>): Promise<void> {
    const now = this.#deps.clock.now();
    const finished = { ...task, ...end, finishedAt: utcTime(now), durationMs: Math.max(0, now - Date.parse(task.createdAt)) };
    const backoff = new Backoff({ initialMs: 50, maxMs: 2000 });
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#deps.store.transact({
          checks: [],
          writes: [{ type: 'put', key: taskRecordKey(task), value: JSON.stringify(finished) }],
        });
        return;
      } catch (error) {
        this.#deps.logger.error({ taskId: task.taskId, error: errorText(error) }, 'the end of a task could not be stored');
        if (attempt === finishAttempts || !(await sleep(backoff.next(), this.#stop.signal, this.#startTimer))) return;
      }
    }
  }
}

/** What a client may read of a failure. */
function taskErrorText(error: unknown): string {
  const isForClients = isAppError(error) && error.disposition !== 'bug';
  return isForClients ? sentence(error.message) : 'Unknown error';
}
