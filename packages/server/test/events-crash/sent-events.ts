import type { EventId, PlacedEvent } from '../support/lane/placed-event.ts';

/** What must not be, a sentence for each example; the numbers count all of them. */
export interface EventDifference {
  /** Acknowledged, and in no store. */
  readonly lost: number;
  /** Rows of an event, or of a record of the log, beyond its first, over all stores. */
  readonly doubled: number;
  /** Rows and records of events that were never sent. */
  readonly strays: number;
  readonly examples: readonly string[];
}

interface Contents {
  /** Rows by the name of their store. */
  readonly stores: Readonly<Record<string, readonly PlacedEvent[]>>;
  /** Every record of the log. */
  readonly log: readonly PlacedEvent[];
}

const maxExamples = 5;

/** The oracle: the list of a driver that survives everything. An event without an answer may be stored or not, but not twice. */
export class SentEvents {
  readonly #acknowledged = new Map<string, boolean>();
  #count = 0;
  #next = Promise.withResolvers<void>();

  get sent(): number {
    return this.#acknowledged.size;
  }

  get acknowledged(): number {
    return this.#count;
  }

  /** Resolves when further events are acknowledged. */
  nextAcknowledgement(): Promise<void> {
    return this.#next.promise;
  }

  has(event: EventId): boolean {
    return this.#acknowledged.has(idOf(event));
  }

  /** Throws where an event like it was sent before. */
  send(event: EventId): void {
    const id = idOf(event);
    if (this.#acknowledged.has(id)) throw new Error(`Two events are alike: ${id}`);
    this.#acknowledged.set(id, false);
  }

  /** All of them are in the log, says the service. Idempotent. */
  acknowledge(events: readonly EventId[]): void {
    const before = this.#count;
    for (const event of events) {
      const id = idOf(event);
      const state = this.#acknowledged.get(id);
      if (state === undefined) throw new Error(`An event was acknowledged that nobody sent: ${id}`);
      if (state) continue;
      this.#acknowledged.set(id, true);
      this.#count += 1;
    }
    if (this.#count === before) return;
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  compare({ stores, log }: Contents): EventDifference {
    const found = new Findings();
    const logged = new Set<string>();
    for (const event of log) {
      logged.add(idOf(event));
      if (!this.#acknowledged.has(idOf(event))) found.stray(`the log has ${describe(event)}, which nobody sent`);
    }
    const rows = new Map<string, string>();
    const records = new Map<string, string>();
    for (const [store, events] of Object.entries(stores)) {
      for (const event of events) {
        const id = idOf(event);
        const where = `${store}, ${describe(event)}`;
        if (!this.#acknowledged.has(id)) found.stray(`${where}: nobody sent it`);
        const earlier = rows.get(id) ?? records.get(placeOf(event));
        if (earlier !== undefined) found.double(`${where}: also as ${earlier}`);
        rows.set(id, where);
        records.set(placeOf(event), where);
      }
    }
    for (const [id, isAcknowledged] of this.#acknowledged) {
      if (isAcknowledged && !rows.has(id)) found.lose(`${id} is in no store, and ${logged.has(id) ? 'in' : 'not even in'} the log`);
    }
    const { lost, doubled, strays, examples } = found;
    return { lost, doubled, strays, examples };
  }
}

class Findings implements EventDifference {
  lost = 0;
  doubled = 0;
  strays = 0;
  readonly examples: string[] = [];

  lose(sentence: string): void {
    if (this.lost < maxExamples) this.examples.push(`lost: ${sentence}`);
    this.lost += 1;
  }

  double(sentence: string): void {
    if (this.doubled < maxExamples) this.examples.push(`doubled: ${sentence}`);
    this.doubled += 1;
  }

  stray(sentence: string): void {
    if (this.strays < maxExamples) this.examples.push(`stray: ${sentence}`);
    this.strays += 1;
  }
}

const idOf = ({ time, amount }: EventId): string => `${time}/${amount}`;
const placeOf = ({ partition, offset }: PlacedEvent): string => `${partition}@${offset}`;
const describe = (event: PlacedEvent): string => `event ${idOf(event)} of partition ${event.partition} at ${event.offset}`;
