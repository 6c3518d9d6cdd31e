import { seededNumbers } from '../../../src/kernel/codec/seeded-numbers.ts';

interface PacketMakerOptions {
  readonly payloadBytes: number;
  /** Share of packets that change place with one of the next 20, 0..1. */
  readonly shuffled: number;
}

const reach = 20;

/** Packets with number and due time in their payloads. The buffer of a payload is used again for the next one. */
export class PacketMaker {
  readonly #payload: Buffer;
  readonly #shuffled: number;
  readonly #random = seededNumbers(1);
  readonly #ahead: number[] = [];
  #next = 0;

  constructor({ payloadBytes, shuffled }: PacketMakerOptions) {
    this.#payload = Buffer.alloc(payloadBytes, 0x55);
    this.#shuffled = shuffled;
  }

  make(dueNs: bigint): { readonly sequence: number; readonly payload: Buffer } {
    const sequence = this.#shuffled === 0 ? this.#next++ : this.#fromAhead();
    this.#payload.writeUInt32LE(sequence % 2 ** 32, 0);
    this.#payload.writeUInt32LE(Math.floor(sequence / 2 ** 32), 4);
    this.#payload.writeBigUInt64LE(dueNs, 8);
    return { sequence, payload: this.#payload };
  }

  #fromAhead(): number {
    while (this.#ahead.length <= reach) this.#ahead.push(this.#next++);
    if (this.#random() < this.#shuffled) {
      const other = 1 + Math.floor(this.#random() * reach);
      [this.#ahead[0], this.#ahead[other]] = [this.#ahead[other] ?? 0, this.#ahead[0] ?? 0];
    }
    return this.#ahead.shift() ?? 0;
  }
}
