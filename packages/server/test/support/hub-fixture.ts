import { ChannelHub, type FanoutRules, type Joining } from '../../src/features/channels/channel-hub.ts';
import { rawForm } from '../../src/features/channels/fanout/delivery-form.ts';
import type { StreamFrame } from '../../src/features/channels/fanout/stream-frame.ts';
import { V1Reader } from '../../src/features/channels/fanout/v1-reader.ts';
import { countedBudget, silentFanoutMeter } from './fanout-fixture.ts';
import { ManualTimers } from './manual-timers.ts';
import { ManualTurns } from './manual-turns.ts';
import { RecordedAccounts } from './recorded-accounts.ts';
import type { ScriptedSink } from './scripted-sink.ts';
import { TestClock } from './test-clock.ts';

/** A hub whose clock, timers and turns the test moves, with one channel `zato01`. */
export function openHub({ slabs = 100, ...rules }: Partial<FanoutRules> & { readonly slabs?: number } = {}) {
  const clock = new TestClock();
  const timers = new ManualTimers(clock);
  const turns = new ManualTurns();
  const accounts = new RecordedAccounts();
  const budget = countedBudget(slabs);
  let sessions = 0;
  const hub = new ChannelHub({
    rules: {
      replayMs: 30_000,
      gatherMs: 2,
      many: { viewers: 64, gatherMs: 6 },
      packetBatchSize: 0,
      maxLagBytes: 4 * 1024 * 1024,
      policy: 'drop-oldest',
      userPolicies: new Map(),
      ...rules,
    },
    budget,
    accounts,
    meter: silentFanoutMeter,
    clock,
    startTimer: timers.start,
    nextTurn: turns.ask,
    sessionId: () => `s${++sessions}`,
  });
  const join = (sink: ScriptedSink, given: Partial<Joining> = {}) =>
    hub.join({
      user: 'user-1',
      channel: 'zato01',
      peer: 'test',
      form: rawForm,
      start: { at: 'live' },
      isAligned: false,
      withAck: false,
      sink,
      ...given,
    });
  const output = hub.openOutput('zato01');
  const send = (sequence: number, payload: string | Buffer) => {
    const bytes = Buffer.from(payload);
    output.data(sequence, bytes, 0, bytes.length);
  };
  const settle = () => {
    timers.advance(2);
    turns.all();
  };
  return { hub, clock, timers, turns, accounts, budget, join, output, send, settle };
}

/** What a viewer with `frame=v1` read. */
export const framesOf = (sink: ScriptedSink): StreamFrame[] => [...new V1Reader(2 ** 21).read(sink.bytes)];
/** Frames as short texts: `data 1:5`, `gap 1:6-8`. */
export const told = (sink: ScriptedSink): string[] =>
  framesOf(sink).map((frame) => {
    switch (frame.type) {
      case 'data':
        return `data ${frame.epoch}:${frame.sequence}`;
      case 'gap':
        return `gap ${frame.epoch}:${frame.from}-${frame.to} ${frame.reason}`;
      case 'bye':
        return `bye ${frame.code}`;
      default:
        return `${frame.type} ${frame.epoch}:${frame.next}`;
    }
  });
