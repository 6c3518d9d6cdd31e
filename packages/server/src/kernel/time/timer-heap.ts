import { type Clock, systemClock } from './clock.ts';
import { type StartTimer, systemTimer } from './start-timer.ts';

interface TimerHeapOptions {
  readonly clock?: Clock;
  readonly startTimer?: StartTimer;
}

/**
 * Any number of due times behind one timer: a binary heap ordered by due time.
 * A callback that throws is an uncaught error of the process; the other timers still fire.
 */
export class TimerHeap implements Disposable {
  readonly #clock: Clock;
  readonly #startTimer: StartTimer;
  readonly #heap: Due[] = [];
  readonly #byKey = new Map<string, Due>();
  #armedFor: number | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor({ clock = systemClock, startTimer = systemTimer }: TimerHeapOptions = {}) {
    this.#clock = clock;
    this.#startTimer = startTimer;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Calls `fire` once at `dueAt` (monotonic milliseconds) or soon after; replaces what the key had. */
  set(key: string, dueAt: number, fire: () => void): void {
    this.#remove(key);
    const due = { key, dueAt, fire, index: this.#heap.length };
    this.#byKey.set(key, due);
    this.#heap.push(due);
    this.#rise(due);
    this.#arm();
  }

  /** True if the key had a due time. */
  cancel(key: string): boolean {
    const removed = this.#remove(key);
    this.#arm();
    return removed;
  }

  [Symbol.dispose](): void {
    this.#heap.length = 0;
    this.#byKey.clear();
    this.#arm();
  }

  #arm(): void {
    const dueAt = this.#heap[0]?.dueAt;
    if (dueAt === this.#armedFor) return;
    this.#cancelTimer?.();
    this.#armedFor = dueAt;
    this.#cancelTimer =
      dueAt === undefined ? undefined : this.#startTimer(Math.max(0, dueAt - this.#clock.monotonic()), () => this.#fireDue());
  }

  #fireDue(): void {
    this.#armedFor = undefined;
    this.#cancelTimer = undefined;
    try {
      const now = this.#clock.monotonic();
      for (let first = this.#heap[0]; first && first.dueAt <= now; first = this.#heap[0]) {
        this.#remove(first.key);
        first.fire();
      }
    } finally {
      this.#arm();
    }
  }

  #remove(key: string): boolean {
    const due = this.#byKey.get(key);
    if (!due) return false;
    this.#byKey.delete(key);
    const last = this.#heap.pop();
    if (last && last !== due) {
      this.#place(last, due.index);
      this.#rise(last);
      this.#sink(last);
    }
    return true;
  }

  #place(due: Due, index: number): void {
    this.#heap[index] = due;
    due.index = index;
  }

  #rise(due: Due): void {
    for (;;) {
      const parent = due.index > 0 ? this.#heap[(due.index - 1) >> 1] : undefined;
      if (!parent || parent.dueAt <= due.dueAt) return;
      this.#swap(due, parent);
    }
  }

  #sink(due: Due): void {
    for (;;) {
      const left = this.#heap[due.index * 2 + 1];
      const right = this.#heap[due.index * 2 + 2];
      const child = left && right && right.dueAt < left.dueAt ? right : left;
      if (!child || due.dueAt <= child.dueAt) return;
      this.#swap(due, child);
    }
  }

  #swap(one: Due, other: Due): void {
    const { index } = one;
    this.#place(one, other.index);
    this.#place(other, index);
  }
}

interface Due {
  readonly key: string;
  readonly dueAt: number;
  readonly fire: () => void;
  index: number;
}
