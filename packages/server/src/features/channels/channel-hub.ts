import type { Clock } from '../../kernel/time/clock.ts';
import type { StartTimer } from '../../kernel/time/start-timer.ts';
import { ChannelOutput } from './fanout/channel-output.ts';
import { ChannelPace } from './fanout/channel-pace.ts';
import { EncodedMemory } from './fanout/encoded-memory.ts';
import { FlushSchedule, type NextTurn } from './fanout/flush-schedule.ts';
import { SharedRoom } from './fanout/shared-room.ts';
import type { SlabBudget } from './fanout/slab-budget.ts';
import { ViewerCrowd } from './fanout/viewer-crowd.ts';
import { ViewerList } from './fanout/viewer-list.ts';
import { type ViewerRequest, ViewerSession } from './fanout/viewer-session.ts';
import type { ViewerSink } from './fanout/viewer-sink.ts';
import type { FanoutMeter } from './fanout-metrics.ts';
import type { OpenOutput } from './ordered-output.ts';
import type { SessionAccounts } from './session-account.ts';
import type { SlowPolicy } from './slow-policies.ts';

export interface FanoutRules {
  /** How long packets are kept for viewers that come back. */
  readonly replayMs: number;
  /** From one write to a viewer to the next, at least. */
  readonly gatherMs: number;
  /** From so many viewers on, a packet waits for the next one, for so long at most: a write costs 6 us of the system, however little it carries. */
  readonly many: { readonly viewers: number; readonly gatherMs: number };
  /** Packets of one write; 0: as many as have 64 KiB. */
  readonly packetBatchSize: number;
  /** Payload that a viewer may lag by. */
  readonly maxLagBytes: number;
  readonly policy: SlowPolicy;
  /** By user; others have `policy`. */
  readonly userPolicies: ReadonlyMap<string, SlowPolicy>;
}

export interface ChannelHubOptions {
  readonly rules: FanoutRules;
  readonly budget: SlabBudget;
  readonly accounts: SessionAccounts;
  readonly meter: FanoutMeter;
  readonly clock: Clock;
  readonly startTimer: StartTimer;
  readonly nextTurn?: NextTurn;
  /** Names of sessions, all different. */
  readonly sessionId: () => string;
}

export interface Joining extends Omit<ViewerRequest, 'policy'> {
  readonly user: string;
  readonly channel: string;
  readonly peer: string;
  readonly sink: ViewerSink;
}

interface Channel {
  readonly name: string;
  readonly output: ChannelOutput;
  readonly sessions: ViewerList<ViewerSession>;
  /** Somebody writes to it; else it is there for its viewers only. */
  isOpened: boolean;
  /** `rest`: what half of the viewers has got, for the other half. */
  waits: 'no' | 'rest' | 'gathered' | 'full';
  /** In the list of those that wait for a flush; also where it filled a write since, and waits for nothing. */
  isGathered: boolean;
  /** When what waits goes out, by the monotonic clock. */
  dueAt: number;
  readonly pace: ChannelPace;
  /** Who is served next, where the viewers take turns; undefined where all are served at once. */
  turn: 'first' | 'second' | undefined;
  readonly crowds: Readonly<Record<'first' | 'second', ViewerCrowd>>;
}

const maxWriteBytes = 64 * 1024;
const sweepMs = 1000;
/** A viewer that has ended its side, and had nothing to be sent for so long, is gone. */
const halfClosedMs = 3000;
/** A write that has not ended for so long is looked at in the system. */
const blockedMs = 1000;

/**
 * All channels and their viewers. What comes in order for a channel is written once, to the output of the channel; viewers are
 * positions in it. A flush makes one slice for each position and gives it to all who stand there, so that a packet costs the same
 * with one viewer and with a thousand, but for the writes to their sockets. Nothing here waits for a viewer.
 */
export class ChannelHub {
  readonly #options: ChannelHubOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #sessions = new Map<string, ViewerSession>();
  readonly #halfClosed = new Set<ViewerSession>();
  readonly #room: SharedRoom;
  readonly #memory: EncodedMemory;
  readonly #schedule: FlushSchedule;
  #gathered: Channel[] = [];
  #full: Channel[] = [];
  #more: ViewerSession[] = [];
  #cancelSweep: (() => void) | undefined;
  #whenEmpty: (() => void) | undefined;
  #askUntaken: ((sessions: readonly ViewerSession[]) => void) | undefined;

  constructor(options: ChannelHubOptions) {
    this.#options = options;
    const { clock, startTimer, rules, nextTurn = setImmediate } = options;
    this.#room = new SharedRoom({
      budget: options.budget,
      outputs: () => this.#outputs(),
      cutLongestWrite: () => this.#cutLongestWrite(),
      clock,
    });
    this.#memory = new EncodedMemory(this.#room);
    this.#schedule = new FlushSchedule({ gatherMs: rules.gatherMs, clock, startTimer, nextTurn, work: (isDue) => this.#flush(isDue) });
    options.meter.watch({ sessions: () => this.#sessions.size, slabs: () => this.#room.units });
  }

  /** To be given to who brings the channels in order. */
  readonly openOutput: OpenOutput = (name) => {
    const channel = this.#channel(name);
    channel.isOpened = true;
    return channel.output;
  };

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** A viewer that is let in. The session ends with the sink's end, which must be told by `end`. */
  join({ user, channel: name, ...viewer }: Joining): ViewerSession {
    const { rules, accounts, clock, sessionId, meter } = this.#options;
    const channel = this.#channel(name);
    const identity = { sessionId: sessionId(), user, channel: name };
    const session = new ViewerSession({
      ...viewer,
      identity,
      policy: rules.userPolicies.get(user) ?? rules.policy,
      output: channel.output,
      account: accounts.open(identity),
      maxLagBytes: rules.maxLagBytes,
      clock,
      onMore: this.#onMore,
      onDelivered: meter.delivered,
      onDropped: meter.dropped,
      onEnd: (_, reason) => {
        this.#sessions.delete(identity.sessionId);
        this.#halfClosed.delete(session);
        channel.sessions.delete(session);
        if (channel.sessions.size === 0 && !channel.isOpened) this.#channels.delete(name);
        meter.sessionEnded(reason);
        if (this.#sessions.size === 0) this.#whenEmpty?.();
      },
    });
    this.#sessions.set(identity.sessionId, session);
    channel.sessions.add(session);
    session.pump();
    this.#startSweep();
    return session;
  }

  /** The viewer sends nothing more; whether it still listens is not known. */
  halfClosed(session: ViewerSession): void {
    if (!session.isEnded) this.#halfClosed.add(session);
  }

  /** Is asked for what the system shows of viewers whose writes do not end. */
  watchUntaken(ask: (sessions: readonly ViewerSession[]) => void): void {
    this.#askUntaken = ask;
  }

  /** False: there is no such session. */
  closeSession(sessionId: string): boolean {
    const session = this.#sessions.get(sessionId);
    session?.end('closed');
    return session !== undefined;
  }

  /** How many sessions of the user were ended. */
  closeUser(user: string): number {
    const sessions = [...this.#sessions.values()].filter((session) => session.options.identity.user === user);
    for (const session of sessions) session.end('closed');
    return sessions.length;
  }

  channels() {
    return [...this.#channels.values()].map(({ name, output, sessions }) => ({
      channel: name,
      epoch: output.epochNumber,
      next: output.next,
      rate: output.rate,
      viewers: sessions.size,
      bufferedSlabs: output.units,
      ...output.counts,
    }));
  }

  sessions() {
    return [...this.#sessions.values()].map((session) => {
      const { identity, peer, form, policy } = session.options;
      return { ...identity, peer, form: form.name, policy, since: session.startedAt, lagBytes: session.lagBytes, ...session.counts };
    });
  }

  /** Gives up a slab of replay, for whoever shares the budget; false where there is none. */
  giveUpSlab(): boolean {
    return this.#room.giveUpOne();
  }

  /** Ends every session once it has been sent what there is; settles when all have ended, or after the time, which ends the others. */
  async drain(timeoutMs: number): Promise<void> {
    for (const channel of this.#channels.values()) flushChannel(channel);
    const late = Promise.withResolvers<void>();
    const cancel = this.#options.startTimer(timeoutMs, late.resolve);
    this.#whenEmpty = late.resolve;
    for (const session of this.#sessions.values()) session.drain();
    if (this.#sessions.size > 0) await late.promise;
    cancel();
    this.end();
  }

  /** At once. */
  end(): void {
    for (const session of this.#sessions.values()) session.end('stopped');
    this.#schedule.stop();
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #channel(name: string): Channel {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const { clock, rules } = this.#options;
    const output = new ChannelOutput({
      room: this.#room,
      memory: this.#memory,
      limits: { maxBytes: maxWriteBytes, maxPackets: rules.packetBatchSize || Number.POSITIVE_INFINITY },
      clock,
      onWritten: (isMuch) => this.#onWritten(channel, isMuch),
      onRefused: this.#options.meter.refused,
    });
    const sessions = new ViewerList<ViewerSession>();
    const crowd = (half: 'first' | 'second') => new ViewerCrowd({ output, viewers: sessions, half, maxLagBytes: rules.maxLagBytes });
    const channel: Channel = {
      name,
      output,
      sessions,
      isOpened: false,
      waits: 'no',
      isGathered: false,
      dueAt: 0,
      pace: new ChannelPace(),
      turn: undefined,
      crowds: { first: crowd('first'), second: crowd('second') },
    };
    this.#channels.set(name, channel);
    return channel;
  }

  #onWritten(channel: Channel, isMuch: boolean): void {
    if (channel.waits === 'no' || channel.waits === 'rest') {
      channel.waits = 'gathered';
      const now = this.#options.clock.monotonic();
      const { many } = this.#options.rules;
      const isSteady = channel.pace.begin(now) <= many.gatherMs;
      if (!isSteady || channel.sessions.size < many.viewers) channel.turn = undefined;
      else channel.turn ??= 'first';
      this.#wait(channel, now);
      this.#startSweep();
    } else channel.pace.add();
    if (!isMuch || channel.waits === 'full') return;
    channel.waits = 'full';
    this.#full.push(channel);
    this.#schedule.soon();
  }

  #wait(channel: Channel, dueAt: number): void {
    channel.dueAt = dueAt;
    if (!channel.isGathered) this.#gathered.push(channel);
    channel.isGathered = true;
    this.#schedule.gather(dueAt);
  }

  readonly #onMore = (session: ViewerSession): void => {
    this.#more.push(session);
    this.#schedule.soon();
  };

  #flush(isDue: boolean): void {
    const full = this.#full;
    this.#full = [];
    for (const channel of full) flushChannel(channel);
    if (isDue) this.#flushGathered(this.#options.clock.monotonic());
    const more = this.#more;
    this.#more = [];
    for (const session of more) session.pump();
    // What was gathered since, or is not due yet.
    for (const { dueAt } of this.#gathered) this.#schedule.gather(dueAt);
  }

  #flushGathered(until: number): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    for (const channel of gathered) {
      channel.isGathered = channel.waits !== 'no' && channel.dueAt > until;
      if (channel.isGathered) this.#gathered.push(channel);
      else if (channel.waits === 'gathered' && channel.turn !== undefined) this.#flushHalf(channel, channel.turn);
      else if (channel.waits !== 'no') flushChannel(channel);
    }
  }

  /** Each half gets two packets in a write, and the burst of writes behind a packet is half as long. */
  #flushHalf(channel: Channel, turn: 'first' | 'second'): void {
    const { clock, rules } = this.#options;
    channel.output.flush();
    channel.crowds[turn].pump(clock.monotonic());
    channel.turn = turn === 'first' ? 'second' : 'first';
    channel.waits = 'rest';
    this.#wait(channel, clock.monotonic() + rules.many.gatherMs);
  }

  /** Once a second, while there is anything. */
  #startSweep(): void {
    this.#cancelSweep ??= this.#options.startTimer(sweepMs, () => {
      this.#cancelSweep = undefined;
      this.#sweep();
      if (this.#sessions.size > 0 || this.#room.units > 0) this.#startSweep();
    });
  }

  #sweep(): void {
    const { clock, rules } = this.#options;
    const oldest = clock.monotonic() - rules.replayMs;
    for (const { output } of this.#channels.values()) output.dropOlderThan(oldest);
    for (const session of this.#halfClosed) if (!session.isWriting && session.quietMs >= halfClosedMs) session.end('idle');
    const blocked: ViewerSession[] = [];
    for (const session of this.#sessions.values()) {
      if (session.isInCrowd) continue;
      session.pump();
      if (session.isWriting && session.quietMs >= blockedMs) blocked.push(session);
    }
    if (blocked.length > 0) this.#askUntaken?.(blocked);
  }

  #cutLongestWrite(): void {
    let longest: ViewerSession | undefined;
    for (const session of this.#sessions.values()) {
      if (session.isWriting && session.quietMs > (longest?.quietMs ?? blockedMs)) longest = session;
    }
    longest?.end('slow');
  }

  *#outputs(): Generator<ChannelOutput> {
    for (const { output } of this.#channels.values()) yield output;
  }
}

function flushChannel(channel: Channel): void {
  channel.waits = 'no';
  channel.output.flush();
  channel.sessions.forEach(pump);
}

const pump = (session: ViewerSession): void => session.pump();
