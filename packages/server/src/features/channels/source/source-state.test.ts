import { expect, test } from 'vitest';
import { nextSourceState, type SourceEvent, type SourceState } from './source-state.ts';

const states = {
  idle: { type: 'idle' },
  connecting: { type: 'connecting' },
  streaming: { type: 'streaming' },
  paused: { type: 'paused' },
  closing: { type: 'closing', reason: 'stalled' },
  backoff: { type: 'backoff', reason: 'refused', waitMs: 7 },
} as const satisfies { readonly [Type in SourceState['type']]: SourceState };

const events = {
  connect: { type: 'connect' },
  connected: { type: 'connected' },
  pause: { type: 'pause' },
  resume: { type: 'resume' },
  giveUp: { type: 'giveUp', reason: 'protocol' },
  closed: { type: 'closed', reason: 'ended', waitMs: 5 },
  stop: { type: 'stop' },
} as const satisfies { readonly [Type in SourceEvent['type']]: SourceEvent };

const { idle, connecting, streaming, paused, closing, backoff } = states;
const protocol: SourceState = { type: 'closing', reason: 'protocol' };
const ended: SourceState = { type: 'backoff', reason: 'ended', waitMs: 5 };
const stalled: SourceState = { type: 'backoff', reason: 'stalled', waitMs: 5 };

const table: Readonly<Record<SourceState['type'], Readonly<Record<SourceEvent['type'], SourceState>>>> = {
  idle: { connect: connecting, connected: idle, pause: idle, resume: idle, giveUp: idle, closed: idle, stop: idle },
  connecting: {
    connect: connecting,
    connected: streaming,
    pause: connecting,
    resume: connecting,
    giveUp: protocol,
    closed: ended,
    stop: idle,
  },
  streaming: { connect: streaming, connected: streaming, pause: paused, resume: streaming, giveUp: protocol, closed: ended, stop: idle },
  paused: { connect: paused, connected: paused, pause: paused, resume: streaming, giveUp: protocol, closed: ended, stop: idle },
  closing: { connect: closing, connected: closing, pause: closing, resume: closing, giveUp: closing, closed: stalled, stop: idle },
  backoff: { connect: connecting, connected: backoff, pause: backoff, resume: backoff, giveUp: backoff, closed: backoff, stop: idle },
};

test('every event in every state', () => {
  const typesOf = <Type extends string>(named: Readonly<Record<Type, { readonly type: Type }>>): Type[] =>
    Object.values<{ readonly type: Type }>(named).map(({ type }) => type);
  for (const state of typesOf(states))
    for (const event of typesOf(events))
      expect(nextSourceState(states[state], events[event]), `${event} in ${state}`).toEqual(table[state][event]);
});
