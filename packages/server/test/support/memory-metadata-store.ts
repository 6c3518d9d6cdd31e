import { setImmediate as turn } from 'node:timers/promises';
import { assertRange, assertTransaction } from '../../src/engines/metadata/assert-query.ts';
import type {
  MetadataEntry,
  MetadataLease,
  MetadataStore,
  MetadataTransaction,
  RangePage,
  RangeQuery,
  TransactionResult,
  WatchBatch,
  WatchEvent,
  WatchQuery,
} from '../../src/engines/metadata/metadata-store.ts';
import { AppError } from '../../src/kernel/errors/app-error.ts';

const byteOrder = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));
const keyOf = (event: WatchEvent): string => (event.type === 'put' ? event.entry.key : event.key);

/** Metadata without a disk, for fast tests; it passes the conformance suite. Every call gives way to others once, as an engine does. */
export class MemoryMetadataStore implements MetadataStore {
  readonly #entries = new Map<string, MetadataEntry>();
  readonly #leases = new Map<string, NodeJS.Timeout>();
  readonly #wakes = new Set<() => void>();
  #history: WatchBatch[] = [];
  #compacted = 0;
  #revision = 0;
  #leaseCount = 0;
  /** While set, every call fails with it. */
  outage: AppError | undefined;

  async get(key: string): Promise<MetadataEntry | undefined> {
    await this.#giveWay();
    return this.#entries.get(key);
  }

  async range(query: RangeQuery): Promise<RangePage> {
    assertRange(query);
    await this.#giveWay();
    const { prefix, after, limit } = query;
    const keys = [...this.#entries.keys()].filter((key) => key.startsWith(prefix) && (after === undefined || byteOrder(key, after) > 0));
    const page = keys.sort(byteOrder).slice(0, limit);
    return { entries: page.flatMap((key) => this.#entries.get(key) ?? []), more: keys.length > limit, revision: this.#revision };
  }

  async count(prefix: string): Promise<number> {
    await this.#giveWay();
    return [...this.#entries.keys()].filter((key) => key.startsWith(prefix)).length;
  }

  async transact(transaction: MetadataTransaction): Promise<TransactionResult> {
    assertTransaction(transaction);
    await this.#giveWay();
    return this.#apply(transaction);
  }

  async *watch({ prefix, fromRevision, signal }: WatchQuery): AsyncGenerator<WatchBatch> {
    let wake = Promise.withResolvers<void>();
    const onWake = () => wake.resolve();
    this.#wakes.add(onWake);
    signal.addEventListener('abort', onWake);
    try {
      for (let next = fromRevision; !signal.aborted; ) {
        await this.#giveWay();
        wake = Promise.withResolvers();
        if (next <= this.#compacted) throw new AppError('metadataCompacted', `Revision ${next} is compacted.`);
        const through = this.#revision;
        for (const { revision, events } of this.#history.filter((batch) => batch.revision >= next)) {
          if (signal.aborted) return;
          yield { revision, events: events.filter((event) => keyOf(event).startsWith(prefix)) };
        }
        next = Math.max(next, through + 1);
        if (this.#revision === through && !signal.aborted) await wake.promise;
      }
    } finally {
      this.#wakes.delete(onWake);
      signal.removeEventListener('abort', onWake);
    }
  }

  async grantLease(ttlMs: number): Promise<MetadataLease> {
    await this.#giveWay();
    this.#leaseCount += 1;
    const id = `lease-${this.#leaseCount}`;
    const arm = () => this.#leases.set(id, setTimeout(() => this.#end(id), ttlMs).unref());
    arm();
    return {
      id,
      keepAlive: async () => {
        await this.#giveWay();
        if (!this.#leases.has(id)) throw new AppError('leaseLost', `Lease "${id}" is gone.`);
        clearTimeout(this.#leases.get(id));
        arm();
      },
      revoke: async () => {
        await this.#giveWay();
        this.#end(id);
      },
    };
  }

  async revision(): Promise<number> {
    await this.#giveWay();
    return this.#revision;
  }

  /** Makes the events of all revisions before the newest ones unavailable to watches. */
  compact(): void {
    this.#compacted = this.#revision - 1;
    this.#history = this.#history.filter(({ revision }) => revision > this.#compacted);
  }

  /** Ends a lease as if nobody had kept it alive. */
  endLease(leaseId: string): void {
    this.#end(leaseId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#leases.values()) clearTimeout(timer);
  }

  async #giveWay(): Promise<void> {
    await turn();
    if (this.outage !== undefined) throw this.outage;
  }

  #apply({ checks, writes }: MetadataTransaction): TransactionResult {
    for (const write of writes) {
      if (write.type === 'put' && write.leaseId !== undefined && !this.#leases.has(write.leaseId)) {
        throw new AppError('leaseLost', `Lease "${write.leaseId}" is gone.`);
      }
    }
    if (checks.some(({ key, modRevision }) => (this.#entries.get(key)?.modRevision ?? 0) !== modRevision)) {
      return { committed: false, revision: this.#revision };
    }
    const revision = this.#revision + 1;
    const events: WatchEvent[] = [];
    for (const write of writes) {
      const { key } = write;
      const old = this.#entries.get(key);
      if (write.type === 'put') {
        const { value, leaseId } = write;
        const entry = {
          key,
          value,
          createRevision: old?.createRevision ?? revision,
          modRevision: revision,
          ...(leaseId !== undefined && { leaseId }),
        };
        this.#entries.set(key, entry);
        events.push({ type: 'put', entry });
      } else if (old !== undefined) {
        this.#entries.delete(key);
        events.push({ type: 'delete', key, modRevision: revision });
      }
    }
    if (events.length > 0) {
      this.#revision = revision;
      this.#history.push({ revision, events });
      for (const wake of this.#wakes) wake();
    }
    return { committed: true, revision: this.#revision };
  }

  #end(leaseId: string): void {
    clearTimeout(this.#leases.get(leaseId));
    this.#leases.delete(leaseId);
    const keys = [...this.#entries.values()].filter((entry) => entry.leaseId === leaseId).map(({ key }) => key);
    this.#apply({ checks: [], writes: keys.map((key) => ({ type: 'delete', key })) });
  }
}
