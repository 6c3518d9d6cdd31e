const sampleMs = 1000;

/** Packets per second, over the last second or so. */
export class PacketRate {
  #sampledAt: number;
  #sampled = 0;
  #perSecond = 0;

  constructor(now: number) {
    this.#sampledAt = now;
  }

  /** `packets` is the count so far. */
  count(packets: number, now: number): void {
    if (now - this.#sampledAt >= sampleMs) this.#sample(packets, now);
  }

  read(packets: number, now: number): number {
    this.count(packets, now);
    return this.#perSecond;
  }

  #sample(packets: number, now: number): void {
    this.#perSecond = ((packets - this.#sampled) * 1000) / (now - this.#sampledAt);
    this.#sampled = packets;
    this.#sampledAt = now;
  }
}
