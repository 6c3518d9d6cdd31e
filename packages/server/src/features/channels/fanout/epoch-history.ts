interface Epoch {
  readonly epoch: number;
  /** Its first number. */
  readonly first: number;
  /** The number behind the last one that it got so far. */
  next: number;
}

/** Epochs of a channel that are remembered, to name what a viewer missed of them. */
const maxEpochs = 64;

/** The epochs of a channel, the oldest first. */
export class EpochHistory {
  readonly #epochs: Epoch[] = [];

  get current(): Readonly<Epoch> | undefined {
    return this.#epochs.at(-1);
  }

  begin(epoch: number, first: number): void {
    this.#epochs.push({ epoch, first, next: first });
    if (this.#epochs.length > maxEpochs) this.#epochs.shift();
  }

  /** A packet without an epoch before it begins epoch 1. */
  advance(next: number): void {
    const current = this.#epochs.at(-1);
    if (current === undefined) this.begin(1, next - 1);
    (current ?? this.#epochs[0] ?? { next }).next = next;
  }

  /** Those behind `epoch`, up to and including `last`. */
  between(epoch: number, last: number): readonly Readonly<Epoch>[] {
    return this.#epochs.filter((one) => one.epoch > epoch && one.epoch <= last);
  }

  find(epoch: number): Readonly<Epoch> | undefined {
    return this.#epochs.find((one) => one.epoch === epoch);
  }
}
