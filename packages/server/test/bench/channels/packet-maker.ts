import { seededNumbers } from '../../../src/kernel/codec/seeded-numbers.ts';

interface PacketMakerOptions {
  readonly payloadBytes: number;
  /** Share of packets that change place with one of the next 20, 0..1. */
  readonly shuffled: number;
}

export interface MadePacket {
  readonly sequence: number;
  readonly payload: Buffer;
}

const reach = 20;

/** After so many packets the buffer of a payload is used again. */
export const payloadBuffers = 256;

/** Packets with number and due time in their payloads. */
export class PacketMaker {
  readonly #payloads: readonly Buffer[];
  #made = 0;
  readonly #shuffled: number;
  readonly #random = seededNumbers(1);
  readonly #ahead: number[] = [];
  #next = 0;

  constructor({ payloadBytes, shuffled }: PacketMakerOptions) {
    this.#payloads = Array.from({ length: payloadBuffers }, () => Buffer.alloc(payloadBytes, 0x55));
    this.#shuffled = shuffled;
  }

  make(dueNs: bigint): MadePacket {
    return this.#packet(this.#shuffled === 0 ? this.#next++ : this.#fromAhead(), dueNs);
  }

  /** How many `rest` gives. */
  get left(): number {
    return this.#ahead.length;
  }

  /** Those that were passed over until now: with them no number is missing. */
  *rest(dueNs: bigint): Generator<MadePacket> {
    for (const sequence of this.#ahead.splice(0)) yield this.#packet(sequence, dueNs);
  }

  #packet(sequence: number, dueNs: bigint): MadePacket {
    const payload = this.#payloads[this.#made++ % payloadBuffers] ?? Buffer.alloc(0);
    payload.writeUInt32LE(sequence % 2 ** 32, 0);
    payload.writeUInt32LE(Math.floor(sequence / 2 ** 32), 4);
    payload.writeBigUInt64LE(dueNs, 8);
    return { sequence, payload };
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
