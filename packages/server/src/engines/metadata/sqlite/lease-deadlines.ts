/** Deadlines of the granted leases on one monotonic clock (milliseconds). */
export class LeaseDeadlines {
  readonly #leases = new Map<string, { readonly ttlMs: number; deadline: number }>();

  grant(lease: { readonly id: string; readonly ttlMs: number }, now: number): void {
    this.#leases.set(lease.id, { ttlMs: lease.ttlMs, deadline: now + lease.ttlMs });
  }

  /** False where the lease is unknown. */
  keepAlive(id: string, now: number): boolean {
    const lease = this.#leases.get(id);
    if (lease === undefined) return false;
    lease.deadline = now + lease.ttlMs;
    return true;
  }

  remove(id: string): void {
    this.#leases.delete(id);
  }

  due(now: number): string[] {
    return [...this.#leases].filter(([, lease]) => lease.deadline <= now).map(([id]) => id);
  }

  /** Milliseconds until the next deadline, undefined without leases. */
  untilNext(now: number): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#leases.values()) next = Math.min(next, deadline);
    return next === Number.POSITIVE_INFINITY ? undefined : Math.max(0, next - now);
  }
}
