import type { Clock } from '../../../kernel/time/clock.ts';
import type { GapReason, OrderedOutput } from '../ordered-output.ts';
import type { Batch } from './batch.ts';
import { type BatchLimits, BatchMaker } from './batch-maker.ts';
import type { DeliveryForm } from './delivery-form.ts';
import type { EncodedMemory } from './encoded-memory.ts';
import { entryKind } from './entry-index.ts';
import { EpochHistory } from './epoch-history.ts';
import { OutputRing, type Place, type SlabRoom } from './output-ring.ts';
import { gapReasons } from './stream-frame.ts';

export interface ChannelOutputOptions {
  readonly room: SlabRoom;
  readonly limits: BatchLimits;
  readonly memory: EncodedMemory;
  readonly clock: Clock;
  /** There is something to flush; `isMuch`: a whole write. */
  readonly onWritten: (isMuch: boolean) => void;
  /** So many packets had no memory. */
  readonly onRefused: (packets: number) => void;
}

interface Owed {
  epoch: { readonly epoch: number; readonly next: number } | undefined;
  gap: { readonly epoch: number; readonly from: number; to: number } | undefined;
}

/** Gap rate of what a channel gets, for `GET /channels`. */
const rateWindowMs = 10_000;

/**
 * The order of one channel: what came last, in a ring of slabs that is also the replay. Whoever watches has a position in it.
 * A packet for which there is no memory is left out, and told as a gap once there is.
 */
export class ChannelOutput implements OrderedOutput {
  readonly #options: ChannelOutputOptions;
  readonly #ring: OutputRing;
  readonly #batches: BatchMaker;
  readonly epochs = new EpochHistory();
  readonly #owed: Owed = { epoch: undefined, gap: undefined };
  #lastArrival = 0;
  #flushed = 0;
  #flushedByte = 0;
  #gaps = 0;
  #gapNumbers = 0;
  #refused = 0;

  constructor(options: ChannelOutputOptions) {
    this.#options = options;
    this.#ring = new OutputRing(options.room);
    this.#batches = new BatchMaker({ ring: this.#ring, limits: options.limits, memory: options.memory });
  }

  get epochNumber(): number {
    return this.epochs.current?.epoch ?? 0;
  }

  /** The number that comes next where nothing is missing. */
  get next(): number {
    return this.epochs.current?.next ?? 0;
  }

  /** Entries before it are for viewers; the others are still gathered. */
  get flushed(): number {
    return this.#flushed;
  }

  get oldest(): number {
    return this.#ring.oldestEntry;
  }

  get endByte(): number {
    return this.#ring.endByte;
  }

  get units(): number {
    return this.#ring.units;
  }

  /** Monotonic milliseconds of its last entry. */
  get lastArrival(): number {
    return this.#lastArrival;
  }

  get counts() {
    return {
      packets: this.#ring.endPacket,
      bytes: this.#ring.endByte,
      gaps: this.#gaps,
      gapNumbers: this.#gapNumbers,
      refused: this.#refused,
    };
  }

  /** Packets per second of the last ten seconds, as far as the ring has them. */
  get rate(): number {
    const since = this.placeOf(this.#ring.entrySince(this.#options.clock.monotonic() - rateWindowMs));
    return ((this.#ring.endPacket - since.packet) * 1000) / rateWindowMs;
  }

  // biome-ignore lint/complexity/useMaxParams: the signature of OrderedOutput.
  data(sequence: number, bytes: Uint8Array, start: number, end: number): void {
    this.epochs.advance(sequence + 1);
    const slab = this.#settle() ? this.#ring.slabFor(end - start) : undefined;
    if (slab === undefined) {
      this.#refuse(sequence);
      return;
    }
    slab.addPacket(this.#entry({ kind: entryKind.data, sequence, last: sequence, reason: 0 }), bytes.subarray(start, end));
    this.#options.onWritten(slab.endByte - this.#flushedByte >= this.#options.limits.maxBytes);
  }

  gap(from: number, to: number, reason: GapReason): void {
    this.#gaps += 1;
    this.#gapNumbers += to - from + 1;
    this.epochs.advance(to + 1);
    if (this.#settle() && this.#mark({ kind: entryKind.gap, sequence: from, last: to, reason: gapReasons[reason] })) return;
    this.#owe(from, to);
  }

  epoch(epoch: number, next: number): void {
    this.epochs.begin(epoch, next);
    // What the former epoch still owes is told by its end: viewers that follow hear it by the numbers of the history.
    this.#owed.gap = undefined;
    this.#owed.epoch = { epoch, next };
    this.#settle();
  }

  /** What was gathered is for viewers from now on. */
  flush(): void {
    this.#flushed = this.#ring.endEntry;
    this.#flushedByte = this.#ring.endByte;
    this.#batches.forget();
  }

  /** The batch from a position below `flushed`; undefined where there is no memory for it now. */
  batchAt(from: number, form: DeliveryForm): Batch | undefined {
    return this.#batches.make(from, { end: this.#flushed, form });
  }

  /** What lies at an entry; of the end, and of what the ring has no longer, the end. */
  placeOf(entry: number): Place {
    return this.#ring.placeOf(entry) ?? this.end;
  }

  get end(): Place {
    const { endEntry: entry, endByte: byte, endPacket: packet } = this.#ring;
    return { entry, byte, packet, epoch: this.epochNumber, next: this.next };
  }

  /** The first place with at most so many bytes from it to the end. */
  placeWithin(maxBytes: number): Place {
    return this.#behindMark(this.#ring.entryWithin(maxBytes));
  }

  placeSince(arrival: number): Place {
    return this.#behindMark(this.#ring.entrySince(arrival));
  }

  placeAt(epoch: number, sequence: number): Place {
    return this.#behindMark(this.#ring.entryAt(epoch, sequence));
  }

  /** The last number of an entry that is in the ring; the number before `next` of any other. */
  lastOf(entry: number): number {
    const slab = this.#ring.slabOf(entry);
    return slab === undefined ? this.next - 1 : slab.index.last(entry - slab.begin.entry);
  }

  /** Of a packet that is in the ring. */
  payloadOf(entry: number): Uint8Array | undefined {
    const slab = this.#ring.slabOf(entry);
    if (slab === undefined) return undefined;
    const at = entry - slab.begin.entry;
    return slab.index.kind(at) === entryKind.data ? slab.bytes.subarray(slab.index.start(at), slab.endOf(at)) : undefined;
  }

  /** Slabs of which every packet came before the time are given up. */
  dropOlderThan(arrival: number): void {
    for (let slab = this.#ring.oldestSlab; slab !== undefined; slab = this.#ring.oldestSlab) {
      if (slab.index.arrival(slab.index.count - 1) >= arrival) return;
      this.dropOldest();
    }
  }

  dropOldest(): void {
    this.#batches.forget();
    this.#ring.dropOldest();
  }

  /** Encoded batches and slices that nobody writes are given up. */
  forgetBatches(): void {
    this.#batches.forget();
  }

  /** Who begins at an epoch, or at several, hears of it otherwise. */
  #behindMark(entry: number): Place {
    let at = entry;
    while (this.#isEpoch(at)) at += 1;
    return this.placeOf(at);
  }

  #isEpoch(entry: number): boolean {
    const slab = this.#ring.slabOf(entry);
    return slab?.index.kind(entry - slab.begin.entry) === entryKind.epoch;
  }

  /** Writes the marks that could not be written before; false where there is still no memory. */
  #settle(): boolean {
    const { epoch, gap } = this.#owed;
    if (epoch !== undefined) {
      if (!this.#mark({ kind: entryKind.epoch, sequence: epoch.next, last: epoch.next - 1, reason: 0 })) return false;
      this.#owed.epoch = undefined;
    }
    if (gap !== undefined) {
      if (!this.#mark({ kind: entryKind.gap, sequence: gap.from, last: gap.to, reason: gapReasons.memory })) return false;
      this.#owed.gap = undefined;
    }
    return true;
  }

  #mark(mark: Mark): boolean {
    const slab = this.#ring.slabFor(0);
    if (slab === undefined) return false;
    slab.addMark(this.#entry(mark));
    this.#options.onWritten(false);
    return true;
  }

  #entry(mark: Mark) {
    this.#lastArrival = this.#options.clock.monotonic();
    return { ...mark, epoch: this.epochNumber, arrival: this.#lastArrival };
  }

  #refuse(sequence: number): void {
    this.#refused += 1;
    this.#options.onRefused(1);
    this.#owe(sequence, sequence);
  }

  #owe(from: number, to: number): void {
    if (this.#owed.gap) this.#owed.gap.to = to;
    else this.#owed.gap = { epoch: this.epochNumber, from, to };
  }
}

interface Mark {
  readonly kind: (typeof entryKind)[keyof typeof entryKind];
  readonly sequence: number;
  readonly last: number;
  readonly reason: number;
}
