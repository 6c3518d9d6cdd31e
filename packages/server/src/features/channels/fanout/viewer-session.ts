import type { Clock } from '../../../kernel/time/clock.ts';
import type { DeliveredRange, SessionAccount, SessionIdentity } from '../session-account.ts';
import { judgeLag, type SlowPolicy } from '../slow-policies.ts';
import { AcknowledgedRanges } from './acknowledged-ranges.ts';
import type { Batch } from './batch.ts';
import type { ChannelOutput } from './channel-output.ts';
import type { Crowd, CrowdMember, CrowdPlace } from './crowd-member.ts';
import type { DeliveryForm } from './delivery-form.ts';
import { missedFrames } from './missed-frames.ts';
import { type StartRequest, startAt } from './start-position.ts';
import { gapReasons, type StreamFrame } from './stream-frame.ts';
import { transportStart } from './transport-start.ts';
import { isPrompt, type PromptSink, type ViewerSink } from './viewer-sink.ts';

/** `gone`: the viewer left. `unwritable`: a write failed. `idle`: it had ended its side, and there was nothing to send. */
export type SessionEnd = 'gone' | 'unwritable' | 'idle' | 'slow' | 'closed' | 'stopped';

/** What a viewer asked for, and what holds for it. */
export interface ViewerRequest {
  readonly form: DeliveryForm;
  readonly start: StartRequest;
  readonly policy: SlowPolicy;
  /** Begin at a packet of an MPEG transport stream; `raw` only. */
  readonly isAligned: boolean;
  /** Billed is what the viewer acknowledges, not what it was sent. */
  readonly withAck: boolean;
}

export interface ViewerSessionOptions extends ViewerRequest {
  readonly identity: SessionIdentity;
  /** For people: the viewer's address. */
  readonly peer: string;
  readonly sink: ViewerSink;
  readonly output: ChannelOutput;
  readonly account: SessionAccount;
  readonly maxLagBytes: number;
  readonly clock: Clock;
  /** More can be sent, in a later turn: other viewers come between. */
  readonly onMore: (session: ViewerSession) => void;
  readonly onDelivered: (packets: number, bytes: number) => void;
  readonly onDropped: (packets: number) => void;
  readonly onEnd: (session: ViewerSession, reason: SessionEnd) => void;
}

const nothing = new Uint8Array();

/**
 * A viewer: a position in the output of its channel, and at most one write under way.
 *
 *     starting -> open -> draining -> ended
 *
 * It is woken by flushes and by the end of its write, and never waited for. While its write does not end it costs nothing;
 * how far it lags is judged when it goes on, or at a flush where its policy may end it. A member of a crowd is moved by that, and
 * knows of it late; whatever asks or touches it brings it up to date first.
 */
export class ViewerSession implements CrowdMember {
  readonly options: ViewerSessionOptions;
  readonly startedAt: number;
  readonly #acks: AcknowledgedRanges | undefined;
  #state: 'starting' | 'open' | 'draining' | 'ended' = 'starting';
  #inFlight: Batch | undefined;
  #crowd: Crowd | undefined;
  /** What the crowd had written to each when this one was last brought up to date. */
  #crowdWireBytes = 0;
  /** Position: entry, packets and bytes before it, epoch and number that come next. */
  #entry = 0;
  #packet = 0;
  #byte = 0;
  #epoch = 0;
  #next = 0;
  #skipBelow = 0;
  #needsAlignment: boolean;
  #packets = 0;
  #bytes = 0;
  #wireBytes = 0;
  #dropped = 0;
  #lastWriteAt: number;
  /** Bytes that its system had not acknowledged when it was last looked at; 0 once it goes on. */
  #untakenBytes = 0;

  constructor(options: ViewerSessionOptions) {
    this.options = options;
    this.startedAt = options.clock.now();
    this.#lastWriteAt = options.clock.monotonic();
    this.#needsAlignment = options.isAligned;
    this.#acks = options.withAck ? new AcknowledgedRanges((range) => this.#bill(range)) : undefined;
  }

  get isEnded(): boolean {
    return this.#state === 'ended';
  }

  /** Bytes of payload that it has not been sent. */
  get lagBytes(): number {
    this.#catchUp();
    return this.#state === 'starting' ? 0 : Math.max(0, this.options.output.endByte - this.#byte);
  }

  get counts() {
    this.#catchUp();
    return { packets: this.#packets, bytes: this.#bytes, dropped: this.#dropped, untakenBytes: this.#untakenBytes };
  }

  /** Milliseconds since it was last sent something, or since a write that does not end began. */
  get quietMs(): number {
    this.#catchUp();
    return this.options.clock.monotonic() - this.#lastWriteAt;
  }

  get isWriting(): boolean {
    return this.#inFlight !== undefined;
  }

  get place(): CrowdPlace {
    return {
      form: this.options.form,
      entry: this.#entry,
      byte: this.#byte,
      packet: this.#packet,
      epoch: this.#epoch,
      next: this.#next,
      wireBytes: 0,
      writtenAt: this.#lastWriteAt,
    };
  }

  get isInCrowd(): boolean {
    return this.#crowd !== undefined;
  }

  joins(crowd: Crowd): PromptSink | undefined {
    const { sink, form, output } = this.options;
    const isPlain = this.#state === 'open' && this.#inFlight === undefined && this.#acks === undefined && !this.#needsAlignment;
    if (!isPlain || this.#skipBelow > 0 || !isPrompt(sink)) return undefined;
    const place = crowd.place ?? { form, entry: output.flushed, epoch: this.#epoch, next: this.#next, wireBytes: 0 };
    if (place.form !== form || place.entry !== this.#entry || place.epoch !== this.#epoch || place.next !== this.#next) return undefined;
    this.#crowd = crowd;
    this.#crowdWireBytes = place.wireBytes;
    return sink;
  }

  settle(place: CrowdPlace): void {
    if (place.entry === this.#entry) return;
    const { epoch, next } = place;
    const range = { epoch, from: this.#next, to: next - 1, packets: place.packet - this.#packet, bytes: place.byte - this.#byte };
    this.#moveTo(place);
    this.#lastWriteAt = place.writtenAt;
    this.#untakenBytes = 0;
    this.#wireBytes += place.wireBytes - this.#crowdWireBytes;
    this.#crowdWireBytes = place.wireBytes;
    if (range.packets > 0) this.#delivered(range);
  }

  leaveCrowd(next: 'goes alone' | 'ends' = 'goes alone'): void {
    const crowd = this.#crowd;
    if (crowd === undefined) return;
    this.#crowd = undefined;
    const place = crowd.leave(this, next);
    if (place !== undefined) this.settle(place);
  }

  leaveWriting(batch: Batch): void {
    this.leaveCrowd();
    this.#begin(batch);
    this.options.sink.write(nothing, this.#onWritten);
  }

  pump(): void {
    this.leaveCrowd();
    if (this.#inFlight !== undefined) this.#watchLag();
    else if (this.#state !== 'ended' && (this.#state !== 'starting' || this.#start())) this.#sendNext();
  }

  /** The viewer has all up to the number. */
  acknowledged(epoch: number, sequence: number): void {
    this.#acks?.acknowledged(epoch, sequence);
  }

  /** What its system shows of bytes that the viewer has not taken, while its write does not end. */
  noteUntaken(bytes: number): void {
    if (this.#inFlight !== undefined) this.#untakenBytes = bytes;
  }

  /** Ends it when everything is sent. */
  drain(): void {
    if (this.#state === 'ended') return;
    if (this.#state === 'starting') this.end('stopped');
    else this.#state = 'draining';
    this.pump();
  }

  end(reason: SessionEnd): void {
    if (this.#state === 'ended') return;
    this.leaveCrowd('ends');
    this.#state = 'ended';
    const { sink, account } = this.options;
    const canSay = this.#inFlight === undefined && (reason === 'closed' || reason === 'stopped');
    if (canSay) {
      this.#say([{ type: 'bye', epoch: this.#epoch, next: this.#next, code: reason === 'closed' ? 'CLOSED' : 'SHUTTING_DOWN' }]);
      sink.end();
    } else sink.destroy();
    account.close(this.#untaken());
    this.options.onEnd(this, reason);
  }

  #start(): boolean {
    const { output, start, clock } = this.options;
    const found = startAt(start, output, clock.monotonic());
    if (found === undefined) return false;
    this.#state = 'open';
    this.#skipBelow = found.skipBelow;
    this.#moveTo(found.place);
    this.#say(found.frames);
    return true;
  }

  #sendNext(): void {
    const { output, form } = this.options;
    while (this.#entry < output.flushed) {
      if (!this.#keepUp() || !this.#skipKnown()) return;
      if (this.#entry >= output.flushed) break;
      const batch = output.batchAt(this.#entry, form);
      if (batch === undefined) return;
      if (batch.bytes.length > 0) {
        this.#send(this.#needsAlignment ? this.#aligned(batch) : batch);
        return;
      }
      // An empty payload is delivered by being passed, a mark by being left out.
      if (batch.range !== undefined) this.#delivered(batch.range);
      this.#passTo(batch);
    }
    if (this.#state === 'draining') this.end('stopped');
  }

  #send(batch: Batch): void {
    const { sink } = this.options;
    this.#begin(batch);
    if (!isPrompt(sink)) sink.write(batch.bytes, this.#onWritten);
    else if (sink.writeAtOnce(batch.bytes)) this.#onWritten();
    else sink.write(nothing, this.#onWritten);
  }

  #begin(batch: Batch): void {
    this.#passTo(batch);
    this.#inFlight = batch;
    this.#lastWriteAt = this.options.clock.monotonic();
    batch.memory.hold();
  }

  #catchUp(): void {
    const place = this.#crowd?.place;
    if (place !== undefined) this.settle(place);
  }

  readonly #onWritten = (error?: Error | null): void => {
    const batch = this.#inFlight;
    if (batch === undefined) return;
    this.#inFlight = undefined;
    batch.memory.letGo();
    if (this.#state === 'ended') return;
    if (error) {
      this.end('unwritable');
      return;
    }
    this.#untakenBytes = 0;
    this.#wireBytes += batch.bytes.length;
    if (batch.range !== undefined) this.#delivered(batch.range);
    if (this.#entry < this.options.output.flushed || this.#state === 'draining') this.options.onMore(this);
  };

  #delivered(range: DeliveredRange): void {
    this.#packets += range.packets;
    this.#bytes += range.bytes;
    this.options.onDelivered(range.packets, range.bytes);
    if (this.#acks) this.#acks.sent(range);
    else this.#bill(range);
  }

  #bill(range: DeliveredRange): void {
    if (this.#state !== 'ended') this.options.account.delivered(range);
  }

  /** False where it is ended for its lag. */
  #keepUp(): boolean {
    const { output, maxLagBytes, policy } = this.options;
    const isOutOfRing = this.#entry < output.oldest;
    if (!isOutOfRing && output.endByte - this.#byte <= maxLagBytes) return true;
    switch (judgeLag(policy, { bytes: output.endByte - this.#byte, maxBytes: maxLagBytes, isOutOfRing })) {
      case 'go on':
        return true;
      case 'end':
        this.end('slow');
        return false;
      case 'to the bound':
        this.#giveUpTo(output.placeWithin(maxLagBytes));
        return true;
      case 'to the live end':
        this.#giveUpTo(output.end);
        return true;
    }
  }

  #giveUpTo(place: Position): void {
    const { output, account } = this.options;
    const packets = place.packet - this.#packet;
    const frames = missedFrames(output.epochs, {
      from: { epoch: this.#epoch, next: this.#next },
      to: place,
      reason: gapReasons.slow,
    });
    this.#moveTo(place);
    if (packets > 0) {
      this.#dropped += packets;
      account.dropped(packets);
      this.options.onDropped(packets);
    }
    this.#say(frames);
  }

  /** Passes over what a viewer that resumed has already, and what lies before a transport stream begins. */
  #skipKnown(): boolean {
    const { output } = this.options;
    while (this.#skipBelow > 0 && this.#entry < output.flushed) {
      const { epoch } = output.placeOf(this.#entry);
      if (epoch !== this.#epoch || output.lastOf(this.#entry) >= this.#skipBelow) this.#skipBelow = 0;
      else this.#moveTo({ ...output.placeOf(this.#entry + 1), epoch, next: this.#skipBelow });
    }
    while (this.#needsAlignment && this.#entry < output.flushed) {
      const payload = output.payloadOf(this.#entry);
      if (payload !== undefined && transportStart(payload) !== undefined) return true;
      this.#moveTo(output.placeOf(this.#entry + 1));
    }
    return true;
  }

  #aligned(batch: Batch): Batch {
    this.#needsAlignment = false;
    const cut = transportStart(this.options.output.payloadOf(batch.from) ?? batch.bytes) ?? 0;
    const range = batch.range && { ...batch.range, bytes: batch.range.bytes - cut };
    return { ...batch, bytes: batch.bytes.subarray(cut), range };
  }

  #watchLag(): void {
    const { output, maxLagBytes, policy } = this.options;
    if (policy !== 'disconnect' && policy !== 'pause') return;
    const lag = { bytes: output.endByte - this.#byte, maxBytes: maxLagBytes, isOutOfRing: this.#entry < output.oldest };
    if (judgeLag(policy, lag) === 'end') this.end('slow');
  }

  #passTo(batch: Batch): void {
    this.#entry = batch.to;
    this.#byte = batch.toByte;
    this.#packet = batch.toPacket;
    this.#epoch = batch.toEpoch;
    this.#next = batch.toNext;
  }

  #moveTo({ entry, byte, packet, epoch, next }: Position): void {
    this.#entry = entry;
    this.#byte = byte;
    this.#packet = packet;
    this.#epoch = epoch;
    this.#next = next;
  }

  #say(frames: readonly StreamFrame[]): void {
    const pieces = frames.flatMap((frame) => this.options.form.encode(frame) ?? []);
    if (pieces.length > 0) this.options.sink.write(Buffer.concat(pieces));
  }

  /** In whole packets of the mean size: at most what was delivered. */
  #untaken(): { readonly packets: number; readonly bytes: number } | undefined {
    if (this.#untakenBytes === 0 || this.#packets === 0 || this.#acks !== undefined) return undefined;
    const share = Math.min(1, this.#untakenBytes / this.#wireBytes);
    const packets = Math.ceil(this.#packets * share);
    return { packets, bytes: Math.round((this.#bytes * packets) / this.#packets) };
  }
}

interface Position {
  readonly entry: number;
  readonly byte: number;
  readonly packet: number;
  readonly epoch: number;
  readonly next: number;
}
