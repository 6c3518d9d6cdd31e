import { expect, it } from 'vitest';
import { AggregatorFixture, silentMeter } from '../../../../test/support/aggregator-fixture.ts';
import { StreamReader, TestSink } from '../../../../test/support/stream-sink.ts';
import type { StreamEnd } from '../aggregator-metrics.ts';
import { LiveStreams } from './live-streams.ts';
import { type LiveQuery, parseLiveQuery } from './series-query.ts';

const defaults = { rangeMs: 60_000, stepMs: 10_000, maxPoints: 5000 };
const settled = () => new Promise((resolve) => setImmediate(resolve));

function openStreams({ maxClients = 100 } = {}) {
  const { reads, clock, timers, states } = new AggregatorFixture();
  const ended: StreamEnd[] = [];
  let starts = 0;
  let open = { clients: () => 0, series: () => 0 };
  const meter = {
    ...silentMeter,
    streamEnded: (reason: StreamEnd) => ended.push(reason),
    watch: (read: typeof open) => {
      open = read;
    },
  };
  const streams = new LiveStreams({
    reads,
    alignment: 'start',
    maxPoints: defaults.maxPoints,
    pollMs: 1000,
    clock,
    startTimer: timers.start,
    maxClients,
    heartbeatMs: 15_000,
    maxBlockedMs: 30_000,
    startName: () => {
      starts += 1;
      return `start${starts}`;
    },
    meter,
  });
  const query = (text = ''): LiveQuery => {
    const parsed = parseLiveQuery(new URLSearchParams(text), { defaults, nowMs: clock.now() });
    if (!parsed.ok) throw new Error(parsed.problems.join());
    return parsed.value;
  };
  const join = (text = '', { room, lastEventId }: { room?: number; lastEventId?: string | undefined } = {}) => {
    const sink = new TestSink(room);
    streams.open({ query: query(text), sink, lastEventId });
    return sink;
  };
  return { streams, clock, timers, states, ended, query, join, open: () => [open.series(), open.clients()] };
}

it('follows a series once for all its clients, whichever type they want', async () => {
  const { join, open } = openStreams();
  const sinks = [join(), join('type=low'), join('range=1m&step=10s'), join('fn=sum')];
  await settled();
  expect(open()).toEqual([2, 4]);
  for (const sink of sinks) expect(sink.waiting).toMatch(/^retry: 1000\n\nevent: status\ndata: .*\n\nid: start\d:\d+\ndata: /);
});

it('keeps a series that nobody follows for a minute, so that who comes back goes on', async () => {
  const { streams, clock, join, open } = openStreams();
  const first = join();
  await settled();
  const reader = new StreamReader();
  reader.read(first.take());
  first.emit('close');
  clock.advance(59_000);
  streams.tend();
  const again = join('', { lastEventId: reader.lastEventId });
  expect(again.waiting).not.toContain('id:');
  again.emit('close');
  clock.advance(60_000);
  streams.tend();
  expect(open()).toEqual([0, 0]);
  const later = join('', { lastEventId: reader.lastEventId });
  await settled();
  expect(later.waiting).toContain('id: start2:14\n');
});

it('takes no more clients than it may', () => {
  const { streams, join, query } = openStreams({ maxClients: 2 });
  const sink = join();
  join('fn=sum');
  expect(streams.refusal(query())).toBe('overloaded');
  sink.emit('close');
  expect(streams.refusal(query())).toBeUndefined();
});

it('follows sixteen series at most; one that nobody follows makes room', () => {
  const { streams, join, query, open } = openStreams();
  const sinks = Array.from({ length: 16 }, (_, index) => join(`range=${index + 1}m`));
  expect(streams.refusal(query('range=99m'))).toBe('overloaded');
  expect(streams.refusal(query('range=7m'))).toBeUndefined();
  sinks[3]?.emit('close');
  expect(streams.refusal(query('range=99m'))).toBeUndefined();
  join('range=99m');
  expect(open()).toEqual([16, 16]);
});

it('sends heartbeats, and cuts off who takes nothing for too long', async () => {
  const { streams, timers, ended, join } = openStreams();
  const stop = new AbortController();
  const running = streams.run(stop.signal);
  const good = join();
  const deaf = join('', { room: 10 });
  await settled();
  good.take();
  timers.advance(15_000);
  await settled();
  expect(good.waiting).toContain(':\n\n');
  expect(deaf.waiting).not.toContain('\n:\n\n');
  expect(deaf.state).toBe('open');
  timers.advance(15_000);
  await settled();
  expect([good.state, deaf.state]).toEqual(['open', 'destroyed']);
  deaf.emit('close');
  expect(ended).toEqual(['slow']);
  good.emit('close');
  expect(ended).toEqual(['slow', 'gone']);
  stop.abort();
  await running;
});

it('ends every stream when the process stops, and begins none any more', async () => {
  const { streams, timers, states, ended, join, query, open } = openStreams();
  const sinks = [join(), join('fn=sum')];
  await settled();
  states.low = 'silent';
  timers.advance(1000);
  await settled();
  // The stores are being asked: what they say comes behind the end.
  streams.end();
  expect(sinks.map(({ state }) => state)).toEqual(['ended', 'ended']);
  expect(streams.refusal(query())).toBe('shutdown');
  expect(ended).toEqual(['stopped', 'stopped']);
  timers.advance(5000);
  await settled();
  for (const sink of sinks) sink.emit('close');
  expect(ended).toHaveLength(2);
  expect(open()).toEqual([0, 0]);
  expect(timers.pending).toBe(0);
});
