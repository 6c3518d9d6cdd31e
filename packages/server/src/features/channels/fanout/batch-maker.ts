import type { Batch, Held } from './batch.ts';
import type { DeliveryForm } from './delivery-form.ts';
import type { EncodedMemory } from './encoded-memory.ts';
import { entryKind } from './entry-index.ts';
import type { OutputRing } from './output-ring.ts';
import type { OutputSlab } from './output-slab.ts';
import type { StreamFrame } from './stream-frame.ts';

export interface BatchLimits {
  /** Payload of one write; a longer packet goes alone. */
  readonly maxBytes: number;
  /** Packets of one write. */
  readonly maxPackets: number;
}

interface Stretch {
  readonly slab: OutputSlab;
  /** Entries of the slab, the last one not included. */
  readonly from: number;
  readonly to: number;
}

/** Positions that are remembered; viewers that all lag by different lengths get a write of their own each. */
const maxRemembered = 64;

/** Makes the batches of a channel: one for each form and position, whoever asks. */
export class BatchMaker {
  readonly #ring: OutputRing;
  readonly #limits: BatchLimits;
  readonly #memory: EncodedMemory;
  readonly #made = new Map<DeliveryForm, Map<number, Batch>>();

  constructor({ ring, limits, memory }: { readonly ring: OutputRing; readonly limits: BatchLimits; readonly memory: EncodedMemory }) {
    this.#ring = ring;
    this.#limits = limits;
    this.#memory = memory;
  }

  /** What is made already is no longer the most that there is. */
  forget(): void {
    for (const made of this.#made.values()) {
      for (const { memory } of made.values()) memory.letGo();
      made.clear();
    }
  }

  /** From an entry in the ring, up to `end` at most. Undefined where there is no memory to encode it. */
  make(from: number, { end, form }: { readonly end: number; readonly form: DeliveryForm }): Batch | undefined {
    const made = this.#made.get(form) ?? this.#start(form);
    const known = made.get(from);
    if (known !== undefined) return known;
    const slab = this.#ring.slabOf(from);
    if (slab === undefined) return undefined;
    const batch = this.#batchOf(this.#stretchOf(slab, { from, end }), form);
    if (batch === undefined) return undefined;
    if (made.size >= maxRemembered) this.forget();
    batch.memory.hold();
    made.set(from, batch);
    return batch;
  }

  #start(form: DeliveryForm): Map<number, Batch> {
    const made = new Map<number, Batch>();
    this.#made.set(form, made);
    return made;
  }

  /** Ends before another epoch, so that its packets are one range. */
  #stretchOf(slab: OutputSlab, { from, end }: { readonly from: number; readonly end: number }): Stretch {
    const { index, begin } = slab;
    const { maxBytes, maxPackets } = this.#limits;
    const first = from - begin.entry;
    const last = Math.min(index.count, end - begin.entry);
    const maxByte = index.start(first) + maxBytes;
    let packets = 0;
    let to = first;
    for (; to < last; to += 1) {
      const isData = index.kind(to) === entryKind.data;
      const isOver = packets > 0 && isData && (packets === maxPackets || slab.endOf(to) > maxByte);
      if (isOver || (to > first && index.kind(to) === entryKind.epoch)) break;
      if (isData) packets += 1;
    }
    return { slab, from: first, to };
  }

  #batchOf(stretch: Stretch, form: DeliveryForm): Batch | undefined {
    const { slab, from, to } = stretch;
    const { index, begin } = slab;
    const startByte = index.start(from);
    const endByte = slab.endOf(to - 1);
    const raw = form.name === 'raw' ? slab.bytes.subarray(startByte, endByte) : undefined;
    const encoded = raw === undefined ? this.#encode(stretch, form) : { bytes: raw, memory: slab };
    if (encoded === undefined) return undefined;
    return {
      ...encoded,
      from: begin.entry + from,
      to: begin.entry + to,
      toByte: begin.byte + endByte,
      toPacket: begin.packet + index.packetsBefore(to),
      toEpoch: index.epoch(to - 1),
      toNext: index.last(to - 1) + 1,
      range: rangeOf(stretch, endByte - startByte),
    };
  }

  #encode({ slab, from, to }: Stretch, form: DeliveryForm): { readonly bytes: Buffer; readonly memory: Held } | undefined {
    const pieces: Uint8Array[] = [];
    for (let at = from; at < to; at += 1) pieces.push(...(form.encode(frameAt(slab, at)) ?? []));
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const memory = this.#memory.take(length);
    return memory && { bytes: Buffer.concat(pieces, length), memory };
  }
}

function rangeOf({ slab: { index }, from, to }: Stretch, bytes: number): Batch['range'] {
  const packets = index.packetsBefore(to) - index.packetsBefore(from);
  if (packets === 0) return undefined;
  let first = from;
  let last = to - 1;
  while (index.kind(first) !== entryKind.data) first += 1;
  while (index.kind(last) !== entryKind.data) last -= 1;
  return { epoch: index.epoch(first), from: index.sequence(first), to: index.sequence(last), packets, bytes };
}

function frameAt(slab: OutputSlab, at: number): StreamFrame {
  const { index } = slab;
  const epoch = index.epoch(at);
  const sequence = index.sequence(at);
  switch (index.kind(at)) {
    case entryKind.gap:
      return { type: 'gap', epoch, from: sequence, to: index.last(at), reason: index.reason(at) };
    case entryKind.epoch:
      return { type: 'epoch', epoch, next: sequence };
    default:
      return { type: 'data', epoch, sequence, payload: slab.bytes.subarray(index.start(at), slab.endOf(at)) };
  }
}
