type EventState = 'sent' | 'acknowledged' | 'refused';

/** What a table must not hold, or lacks, by the client's own list. Event numbers. */
export interface BookDifference {
  /** Acknowledged, and not there, and not spoiled in this table. */
  readonly lost: readonly number[];
  /** Acknowledged, and not there, because the suite destroyed the bytes. */
  readonly destroyed: readonly number[];
  /** Sent once, and there more than once. */
  readonly doubled: readonly number[];
  /** Refused with the promise that nothing is stored, or never sent, and there all the same. */
  readonly phantom: readonly number[];
}

/**
 * The oracle: what the client knows of every event that it sent, each of them once. Events without an answer may be stored
 * or not, but not twice.
 */
export class EventBook {
  readonly #states: EventState[] = [];
  /** By table. */
  readonly #spoiled = new Map<string, Set<number>>();
  readonly #traceless = new Map<string, number>();
  #acknowledged = 0;

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The number of the next event, which is noted as sent. */
  send(): number {
    return this.#states.push('sent') - 1;
  }

  acknowledge(event: number): void {
    this.#states[event] = 'acknowledged';
    this.#acknowledged += 1;
  }

  /** The service said that it surely stored nothing of it. */
  refuse(event: number): void {
    this.#states[event] = 'refused';
  }

  /** The bytes of these events on their way to the table are destroyed. `traceless`: it may be that nothing shows that there were rows. */
  spoil(table: string, { events, traceless }: { readonly events: readonly number[]; readonly traceless: boolean }): void {
    this.#spoiled.set(table, new Set([...this.spoiledOf(table), ...events]));
    if (traceless) this.#traceless.set(table, this.tracelessOf(table) + events.length);
  }

  tracelessOf(table: string): number {
    return this.#traceless.get(table) ?? 0;
  }

  /** Events of the table whose bytes are destroyed, acknowledged or not. */
  spoiledOf(table: string): ReadonlySet<number> {
    return this.#spoiled.get(table) ?? new Set();
  }

  /** @param present the event number of each row of the table, in any order */
  compare(table: string, present: readonly number[]): BookDifference {
    const spoiled = this.spoiledOf(table);
    const times = new Map<number, number>();
    for (const event of present) times.set(event, (times.get(event) ?? 0) + 1);
    const missing = this.#states.flatMap((state, event) => (state === 'acknowledged' && !times.has(event) ? [event] : []));
    return {
      lost: missing.filter((event) => !spoiled.has(event)),
      destroyed: missing.filter((event) => spoiled.has(event)),
      doubled: [...times].flatMap(([event, count]) => (count > 1 ? [event] : [])),
      phantom: [...times.keys()].filter((event) => (this.#states[event] ?? 'refused') === 'refused'),
    };
  }
}
