/** How fast packets of a channel come: over the time since the flush before, so that a pause is seen at once. */
export class ChannelPace {
  #beganAt = Number.NEGATIVE_INFINITY;
  #packets = 0;

  /** With the first packet since a flush, at a time of the monotonic clock: milliseconds from one packet to the next. */
  begin(now: number): number {
    const pace = (now - this.#beganAt) / Math.max(1, this.#packets);
    this.#beganAt = now;
    this.#packets = 1;
    return pace;
  }

  /** With every further one. */
  add(): void {
    this.#packets += 1;
  }
}
