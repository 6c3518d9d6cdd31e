/** Numbers that are remembered one by one. */
const memory = 4096;
const words = memory / 32;

/** Which of the numbers that an epoch has passed were delivered. Those too old to be remembered count as delivered. */
export class DeliveredNumbers {
  readonly #bits = new Uint32Array(words);
  #first = 0;
  #next = 0;

  start(first: number): void {
    this.#bits.fill(0);
    this.#first = first;
    this.#next = first;
  }

  /** The next number was delivered. */
  deliver(): void {
    const at = this.#next & (memory - 1);
    this.#bits[at >>> 5] = word(this.#bits, at) | (1 << (at & 31));
    this.#next += 1;
  }

  /** The numbers before `next` were passed over. */
  skipTo(next: number): void {
    if (next - this.#next >= memory) this.#bits.fill(0);
    else
      for (let number = this.#next; number < next; number += 1) {
        const at = number & (memory - 1);
        this.#bits[at >>> 5] = word(this.#bits, at) & ~(1 << (at & 31));
      }
    this.#next = next;
  }

  /** Of a passed number. Numbers before the first of the epoch were not. */
  has(number: number): boolean {
    return number >= this.#first && !this.wasSkipped(number);
  }

  /** It is known that the number was passed over. */
  wasSkipped(number: number): boolean {
    if (number < this.#first || number < this.#next - memory || number >= this.#next) return false;
    const at = number & (memory - 1);
    return (word(this.#bits, at) & (1 << (at & 31))) === 0;
  }
}

const word = (bits: Uint32Array, at: number): number => bits[at >>> 5] ?? 0;
