import { WaiterList } from '../../kernel/async/waiter-list.ts';
import { AppError } from '../../kernel/errors/app-error.ts';
import type { Clock } from '../../kernel/time/clock.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';

/** The operation that works on an entity, or was the last one to do so. */
export interface EntityOperation {
  /** `api.create.source` and the like. */
  readonly type: string;
  readonly isRunning: boolean;
}

interface Entity {
  operation: EntityOperation & { readonly startedAt: number };
  readonly waiters: WaiterList<undefined, undefined>;
}

/** A finished operation stays visible until this long after its start, so that an immediate repeat is told apart from a late one. */
const visibleMs = 500;
const maxWaitMs = 30_000;
/** Over all entities. */
const maxWaiting = 500;

/** Which operation works on which entity: one at a time, first come first served. */
export class EntityHolds {
  readonly #entities = new Map<string, Entity>();
  readonly #clock: Clock;
  readonly #startTimer: StartTimer;
  #waiting = 0;

  constructor({ clock, startTimer }: { readonly clock: Clock; readonly startTimer: StartTimer }) {
    this.#clock = clock;
    this.#startTimer = startTimer;
  }

  operationOn(entityKey: string): EntityOperation | undefined {
    return this.#entities.get(entityKey)?.operation;
  }

  /**
   * The entity for one operation; the returned function, called once, gives it free.
   * `operationInProgress` after 30 s in which others held it, `overloaded` where too many wait.
   */
  async acquire(entityKey: string, type: string): Promise<() => void> {
    const known = this.#entities.get(entityKey);
    if (known?.operation.isRunning) await this.#turn(entityKey, known.waiters);
    const waiters = known?.waiters ?? new WaiterList<undefined, undefined>();
    const entity = { operation: { type, isRunning: true, startedAt: this.#clock.monotonic() }, waiters };
    this.#entities.set(entityKey, entity);
    return () => this.#release(entityKey, entity);
  }

  async #turn(entityKey: string, waiters: Entity['waiters']): Promise<void> {
    if (this.#waiting >= maxWaiting) throw new AppError('overloaded', `${maxWaiting} operations wait already; try again later.`);
    const timeout = new AbortController();
    const cancelTimer = this.#startTimer(maxWaitMs, () => timeout.abort());
    this.#waiting += 1;
    const turn = await waiters.wait(undefined, timeout.signal);
    this.#waiting -= 1;
    cancelTimer();
    if (turn === 'aborted') throw new AppError('operationInProgress', `Another operation on "${entityKey}" is still in progress.`);
  }

  /** Who waits gets the entity while it still counts as held, so nobody comes in between. */
  #release(entityKey: string, entity: Entity): void {
    if (entity.waiters.size > 0) {
      entity.waiters.settleFirst(undefined);
      return;
    }
    entity.operation = { ...entity.operation, isRunning: false };
    const leftMs = visibleMs - (this.#clock.monotonic() - entity.operation.startedAt);
    if (leftMs <= 0) this.#remove(entityKey, entity);
    else this.#startTimer(leftMs, () => this.#remove(entityKey, entity));
  }

  /** Another operation may have begun since. */
  #remove(entityKey: string, entity: Entity): void {
    if (this.#entities.get(entityKey) === entity) this.#entities.delete(entityKey);
  }
}
