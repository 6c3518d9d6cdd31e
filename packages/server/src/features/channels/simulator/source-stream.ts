import { seededNumbers } from '../../../kernel/codec/seeded-numbers.ts';
import { encodeFrame } from '../source/frame.ts';
import { type PlanOptions, planChannel, slotsOf } from './channel-plan.ts';
import { createPayloads, type PayloadOptions, seedOf } from './payloads.ts';

export interface StreamOptions {
  readonly channels: readonly string[];
  readonly prefix: Uint8Array;
  readonly plan: Omit<PlanOptions, 'random'>;
  readonly payload: PayloadOptions;
  /** Share of the frames, 0 to 1, that have bytes before them that are no frame. */
  readonly garbage: number;
}

const maxGarbageBytes = 64;

/** The plan of one channel of a stream: what it sends, and by `plannedNumbers` what must be delivered of it. */
export const planOf = (channel: string, { plan, payload }: StreamOptions): PlanOptions => ({
  ...plan,
  random: seededNumbers(seedOf(channel, payload.seed)),
});

/** All that a source sends, in slots: one number of each channel is due in each. Deterministic, without time and without an end. */
export class SourceStream {
  readonly #options: StreamOptions;
  readonly #channels: readonly {
    readonly name: string;
    readonly slots: Iterator<readonly number[]>;
    readonly payload: (sequence: number) => Buffer;
  }[];
  readonly #random: () => number;
  #frames = 0;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#random = seededNumbers(seedOf('garbage', options.payload.seed));
    this.#channels = options.channels.map((name) => ({
      name,
      slots: slotsOf(planChannel(planOf(name, options))),
      payload: createPayloads(name, options.payload),
    }));
  }

  /** Frames so far. */
  get frames(): number {
    return this.#frames;
  }

  /** The frames of the next slot, of all channels. */
  nextSlot(): Buffer[] {
    const { prefix, garbage } = this.#options;
    const chunks: Buffer[] = [];
    for (const { name, slots, payload } of this.#channels) {
      const next = slots.next();
      for (const sequence of next.done ? [] : next.value) {
        if (garbage > 0 && this.#random() < garbage) chunks.push(this.#makeGarbage());
        chunks.push(encodeFrame({ prefix, channel: name, sequence, payload: payload(sequence) }));
        this.#frames += 1;
      }
    }
    return chunks;
  }

  #makeGarbage(): Buffer {
    const length = 1 + Math.floor(this.#random() * maxGarbageBytes);
    return Buffer.from(Array.from({ length }, () => Math.floor(this.#random() * 256)));
  }
}
