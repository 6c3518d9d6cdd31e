import { ChannelOrder } from '../../../src/features/channels/order/channel-order.ts';
import type { OrderRules } from '../../../src/features/channels/order-rules.ts';
import type { OrderedOutput } from '../../../src/features/channels/ordered-output.ts';
import { SlabBudget } from '../../../src/features/channels/slab-budget.ts';

export const defaultRules: OrderRules = {
  windowPackets: 512,
  timeoutMs: 200,
  startPolicy: 'first',
  resetDistance: 4096,
  maxChannelBytes: 32 * 1024 * 1024,
};

export interface RecordedEpoch {
  readonly first: number;
  readonly numbers: number[];
  readonly gaps: { readonly from: number; readonly to: number; readonly reason: string }[];
}

/**
 * An output that keeps what it is told, and refuses what its contract excludes: numbers of an epoch rise, and each one is delivered or
 * passed over, without a hole. Payloads must be the text of their number, or what `payloadOf` says.
 */
export class OrderRecord implements OrderedOutput {
  readonly epochs: RecordedEpoch[] = [];
  readonly #payloadOf: (sequence: number) => Uint8Array;
  #next = 0;

  constructor(payloadOf: (sequence: number) => Uint8Array = (sequence) => Buffer.from(String(sequence))) {
    this.#payloadOf = payloadOf;
  }

  data(sequence: number, bytes: Uint8Array, start: number, end: number): void {
    if (sequence !== this.#next) throw new Error(`${sequence} is delivered where ${this.#next} is due`);
    if (Buffer.compare(bytes.subarray(start, end), this.#payloadOf(sequence)) !== 0) throw new Error(`${sequence} has another payload`);
    this.#current().numbers.push(sequence);
    this.#next += 1;
  }

  gap(from: number, to: number, reason: string): void {
    if (from !== this.#next || to < from) throw new Error(`a gap ${from} to ${to} where ${this.#next} is due`);
    this.#current().gaps.push({ from, to, reason });
    this.#next = to + 1;
  }

  epoch(epoch: number, next: number): void {
    this.epochs.push({ first: next, numbers: [], gaps: [] });
    if (epoch !== this.epochs.length) throw new Error(`epoch ${epoch} comes as number ${this.epochs.length}`);
    this.#next = next;
  }

  get numbers(): number[][] {
    return this.epochs.map(({ numbers }) => numbers);
  }

  #current(): RecordedEpoch {
    const epoch = this.epochs.at(-1);
    if (!epoch) throw new Error('nothing comes before the first epoch');
    return epoch;
  }
}

export class TestConnection {
  isOpen = true;
}

/** A channel on a clock that only `at` and `settle` move; due times that are passed are served on the way. */
export class OrderedChannel {
  readonly record: OrderRecord;
  readonly order: ChannelOrder;
  readonly budget: SlabBudget;
  readonly delays: number[] = [];
  now = 0;
  /** One chunk memory for all packets, overwritten by each: what is kept must be a copy. */
  readonly #chunk = Buffer.alloc(2 ** 16);
  readonly #payloadOf: (sequence: number) => Uint8Array;

  constructor(rules: Partial<OrderRules> = {}, given: { budget?: SlabBudget; payloadOf?: (sequence: number) => Uint8Array } = {}) {
    this.#payloadOf = given.payloadOf ?? ((sequence) => Buffer.from(String(sequence)));
    this.record = new OrderRecord(this.#payloadOf);
    this.budget = given.budget ?? new SlabBudget({ maxBytes: 256 * 1024 * 1024 });
    this.order = new ChannelOrder({
      rules: { ...defaultRules, ...rules },
      output: this.record,
      budget: this.budget,
      observer: { waited: (ms) => this.delays.push(ms), gap: () => {}, epoch: () => {} },
    });
  }

  advanceTo(now: number): void {
    for (let { deadline } = this.order; deadline <= now; { deadline } = this.order) {
      this.now = Math.max(this.now, deadline);
      this.order.expire(this.now);
    }
    this.now = now;
  }

  receive(sequence: number, connection: TestConnection): void {
    const payload = this.#payloadOf(sequence);
    const start = 7;
    this.#chunk.fill(0xee);
    this.#chunk.set(payload, start);
    this.order.receive({ sequence, bytes: this.#chunk, start, end: start + payload.length, arrivedAt: this.now }, connection);
  }

  /** One packet each `stepMs`. */
  receiveAll(sequences: Iterable<number>, { connection, stepMs = 1 }: { connection: TestConnection; stepMs?: number }): void {
    for (const sequence of sequences) {
      this.advanceTo(this.now + stepMs);
      this.receive(sequence, connection);
    }
  }

  /** Until nothing is due any more. */
  settle(): void {
    while (this.order.deadline < Number.POSITIVE_INFINITY) this.advanceTo(this.order.deadline);
  }
}

export const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);

/** Shuffled in windows of so many numbers. */
export function shuffled(numbers: readonly number[], { window, random }: { window: number; random: () => number }): number[] {
  const result = [...numbers];
  if (window < 2) return result;
  for (let from = 0; from < result.length; from += window) {
    const end = Math.min(from + window, result.length);
    for (let index = end - 1; index > from; index -= 1) {
      const other = from + Math.floor(random() * (index - from + 1));
      [result[index], result[other]] = [result[other] ?? 0, result[index] ?? 0];
    }
  }
  return result;
}
