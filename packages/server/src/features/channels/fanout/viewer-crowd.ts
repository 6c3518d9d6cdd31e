import type { Batch } from './batch.ts';
import type { ChannelOutput } from './channel-output.ts';
import type { Crowd, CrowdMember, CrowdPlace } from './crowd-member.ts';
import type { ViewerList } from './viewer-list.ts';
import type { PromptSink } from './viewer-sink.ts';

interface ViewerCrowdOptions {
  readonly output: ChannelOutput;
  readonly viewers: ViewerList<CrowdMember>;
  readonly half: 'first' | 'second';
  readonly maxLagBytes: number;
}

/** So old is at most what its members do not know yet. */
const settleMs = 100;

/**
 * Half of the viewers of a channel, of which those who keep up move as one. Between two packets the caches of the machine go cold, and
 * what a session knows lies in a dozen places of memory: so a write touches the sink only, the crowd remembers one place for all, and
 * members take it over when somebody asks them, when they leave, and ten times a second. Whoever is special in any way goes alone.
 */
export class ViewerCrowd implements Crowd {
  readonly #options: ViewerCrowdOptions;
  /** Members and, at the same index, their sinks. */
  readonly #members: CrowdMember[] = [];
  readonly #sinks: PromptSink[] = [];
  readonly #indexes = new Map<CrowdMember, number>();
  #alone: CrowdMember[] = [];
  /** Undefined without members. */
  #place: CrowdPlace | undefined;
  /** Of the viewers that were shared out. */
  #version = -1;
  #settledAt = 0;

  constructor(options: ViewerCrowdOptions) {
    this.#options = options;
  }

  /** Sends everyone what is flushed, one write at most. `now` is of the monotonic clock. */
  pump(now: number): void {
    const { viewers, half } = this.#options;
    if (this.#version === viewers.version && this.#send(now)) {
      if (this.#alone.length > 0) {
        for (const session of [...this.#alone]) session.pump();
        this.#take(this.#alone);
      }
    } else {
      this.#disperse();
      viewers.forEachOfHalf(half, pumpOne);
      // Behind those who were ended meanwhile.
      this.#version = viewers.version;
      this.#settledAt = now;
      this.#take(viewers.ofHalf(half));
    }
    if (now - this.#settledAt >= settleMs) this.#settle(now);
  }

  leave(session: CrowdMember, next: 'goes alone' | 'ends'): CrowdPlace | undefined {
    const index = this.#indexes.get(session);
    if (index === undefined) return undefined;
    const place = this.#place;
    const last = this.#members.pop();
    const lastSink = this.#sinks.pop();
    if (last === undefined || lastSink === undefined) return undefined;
    this.#indexes.delete(session);
    if (last !== session) {
      this.#members[index] = last;
      this.#sinks[index] = lastSink;
      this.#indexes.set(last, index);
    }
    if (this.#members.length === 0) this.#place = undefined;
    if (next === 'goes alone') this.#alone.push(session);
    return place;
  }

  get place(): CrowdPlace | undefined {
    return this.#place;
  }

  /** False where there is no crowd, or what comes is not just the next packets. */
  #send(now: number): boolean {
    const place = this.#place;
    if (place === undefined) return false;
    const { output, maxLagBytes } = this.#options;
    if (place.entry >= output.flushed) return true;
    if (place.entry < output.oldest || output.endByte - place.byte > maxLagBytes) return false;
    const batch = output.batchAt(place.entry, place.form);
    if (batch === undefined || batch.bytes.length === 0 || batch.toEpoch !== place.epoch || batch.to < output.flushed) return false;
    // Backwards: who leaves is replaced by the last one, which has been served.
    for (let index = this.#sinks.length - 1; index >= 0; index -= 1) {
      if (this.#sinks[index]?.writeAtOnce(batch.bytes) === false) this.#members[index]?.leaveWriting(batch);
    }
    if (this.#members.length > 0) this.#place = placeBehind(place, batch, now);
    return true;
  }

  /** Those who stand where the crowd does; the first one who keeps up says where that is. */
  #take(sessions: readonly CrowdMember[]): void {
    this.#alone = [];
    for (const session of sessions) {
      const sink = session.joins(this);
      if (sink === undefined) {
        this.#alone.push(session);
        continue;
      }
      this.#place ??= session.place;
      this.#indexes.set(session, this.#members.length);
      this.#members.push(session);
      this.#sinks.push(sink);
    }
  }

  #settle(now: number): void {
    this.#settledAt = now;
    const place = this.#place;
    if (place !== undefined) for (const session of this.#members) session.settle(place);
  }

  #disperse(): void {
    for (const session of [...this.#members]) session.leaveCrowd();
  }
}

const pumpOne = (session: CrowdMember): void => session.pump();

function placeBehind(place: CrowdPlace, batch: Batch, now: number): CrowdPlace {
  return {
    form: place.form,
    entry: batch.to,
    byte: batch.toByte,
    packet: batch.toPacket,
    epoch: batch.toEpoch,
    next: batch.toNext,
    wireBytes: place.wireBytes + batch.bytes.length,
    writtenAt: now,
  };
}
