import { type SeriesType, seriesAnswerSchema } from '@sluice/contract/event-series';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AggregatorFixture } from '../../../../test/support/aggregator-fixture.ts';
import { StreamReader, TestSink } from '../../../../test/support/stream-sink.ts';
import { LiveSeries } from './live-series.ts';
import { parseLiveQuery, parseSeriesQuery } from './series-query.ts';

const defaults = { rangeMs: 60_000, stepMs: 10_000, maxPoints: 5000 };

/** An aggregator that may be started again, and one client of its stream. */
class Scene {
  readonly fixture = new AggregatorFixture();
  readonly reader = new StreamReader();
  live = this.#start('a');
  sink: TestSink | undefined;
  #starts = 1;

  #start(name: string, text = ''): LiveSeries {
    const { reads, clock, timers } = this.fixture;
    const query = parseLiveQuery(new URLSearchParams(text), { defaults, nowMs: clock.now() });
    if (!query.ok) throw new Error(query.problems.join());
    return new LiveSeries(query.value, name, {
      reads,
      alignment: 'start',
      maxPoints: defaults.maxPoints,
      pollMs: 1000,
      clock,
      startTimer: timers.start,
    });
  }

  restart(text = ''): void {
    this.disconnect(0);
    this.#starts += 1;
    this.live = this.#start(`start${this.#starts}`, text);
  }

  connect(room?: number): void {
    if (this.sink) return;
    this.sink = new TestSink(room);
    this.live.join({ sink: this.sink, types: ['low', 'high'], lastEventId: this.reader.lastEventId });
  }

  /** The client takes all that it can have. */
  takeAll(): void {
    while (this.sink && this.sink.waiting !== '') this.reader.read(this.sink.take());
  }

  /** Of what is on its way, only the first part arrives. */
  disconnect(arrives: number): void {
    if (!this.sink) return;
    const last = this.sink;
    this.sink = undefined;
    this.reader.read(last.waiting.slice(0, arrives));
    this.reader.disconnected();
    last.emit('close');
  }

  /** What the client shows of the window, and what `/api` says of it, for the stores that answer. */
  async compare(): Promise<void> {
    await this.live.refresh();
    this.takeAll();
    const query = parseSeriesQuery(new URLSearchParams(), { defaults, nowMs: this.fixture.clock.now() });
    if (!query.ok) throw new Error(query.problems.join());
    const { grid } = query.value;
    const { points, errors = [] } = seriesAnswerSchema.parse(JSON.parse((await this.fixture.api().answer(query.value)).body));
    const answers = (type: SeriesType) => !errors.some((error) => error.type === type);
    const shown = [...this.reader.buckets.values()]
      .filter(({ type, time, partial }) => answers(type) && !partial && time >= (grid.starts[0] ?? 0) && time < grid.endMs)
      .map(({ type, time, count }) => ({ time, count, type }))
      .sort((one, other) => one.time - other.time || (one.type === 'low' ? -1 : 1));
    expect(shown).toEqual(points ?? []);
    expect(this.reader.statuses.at(-1)).toMatchObject({ message: points === null ? 'unavailable' : errors.length > 0 ? 'partial' : 'ok' });
  }
}

const types = fc.constantFrom<SeriesType>('low', 'high');
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('event'), type: types, agoMs: fc.nat(75_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.nat(25_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clock goes back'), ms: fc.nat(40_000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('look') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('outage'), type: types, state: fc.constantFrom('up' as const, 'down' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('disconnect'), arrives: fc.nat(4000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('connect'), room: fc.constantFrom(1, 300, 1_000_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('take'), length: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reconnect and compare') }) },
);

describe('a client of a stream', () => {
  it('shows what /api says after any reconnect, whatever came late, went down or was started again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const scene = new Scene();
        const { fixture } = scene;
        for (const one of steps) {
          switch (one.do) {
            case 'event':
              if ('agoMs' in one) fixture.add(one.type, fixture.clock.now() - one.agoMs);
              break;
            case 'wait':
              if ('ms' in one) fixture.clock.advance(one.ms);
              break;
            case 'clock goes back':
              if ('ms' in one) fixture.clock.advance(-one.ms);
              break;
            case 'look':
              await scene.live.refresh();
              break;
            case 'outage':
              if ('state' in one) fixture.states[one.type] = one.state;
              break;
            case 'disconnect':
              if ('arrives' in one) scene.disconnect(one.arrives);
              break;
            case 'connect':
              if ('room' in one) scene.connect(one.room);
              break;
            case 'take':
              if ('length' in one && scene.sink) scene.reader.read(scene.sink.take(one.length));
              break;
            case 'restart':
              scene.restart();
              break;
            case 'reconnect and compare':
              scene.connect();
              await scene.compare();
          }
        }
        scene.connect();
        await scene.compare();
        fixture.states.low = 'up';
        fixture.states.high = 'up';
        await scene.compare();
      }),
      { numRuns: 300 },
    );
  });

  it('that comes back gets what has changed since, and nothing else', async () => {
    const scene = new Scene();
    const { fixture, reader } = scene;
    scene.connect();
    await scene.live.refresh();
    scene.takeAll();
    expect(reader.events).toBe(14);
    scene.disconnect(0);
    scene.connect();
    scene.takeAll();
    expect(reader.events).toBe(14);
    scene.disconnect(0);
    fixture.add('low', fixture.clock.now() - 35_000);
    await scene.live.refresh();
    scene.connect();
    scene.takeAll();
    expect(reader.events).toBe(15);
    expect(reader.lastEventId).toBe('a:15');
    expect([...reader.buckets.values()].filter(({ count }) => count > 0)).toEqual([
      { type: 'low', time: fixture.clock.now() - 40_000, count: 1, value: 1, rev: 15 },
    ]);
  });

  it('gets the bucket that is not over, marked, and again without the mark when it is', async () => {
    const scene = new Scene();
    const { fixture, reader } = scene;
    const start = fixture.clock.now();
    const current = () => reader.buckets.get(`low:${start}`);
    fixture.add('low', start);
    scene.connect();
    await scene.live.refresh();
    scene.takeAll();
    expect(current()).toMatchObject({ count: 1, partial: true });
    fixture.clock.advance(10_000);
    await scene.live.refresh();
    scene.takeAll();
    expect(current()).toEqual({ type: 'low', time: start, count: 1, value: 1, rev: expect.any(Number) });
  });

  it.each(['a:', 'a:x', 'a:99', 'b:3', 'a:-1', ':', ''])('gets the whole window for the unknown id "%s"', async (lastEventId) => {
    const scene = new Scene();
    await scene.live.refresh();
    const sink = new TestSink();
    scene.live.join({ sink, types: ['low', 'high'], lastEventId });
    scene.reader.read(sink.take());
    expect(scene.reader.events).toBe(14);
  });

  it('of one type gets that one, and resumes by the revisions of both', async () => {
    const scene = new Scene();
    const { fixture, reader } = scene;
    const sink = new TestSink();
    scene.live.join({ sink, types: ['high'], lastEventId: undefined });
    await scene.live.refresh();
    fixture.add('low', fixture.clock.now() - 5000);
    fixture.add('high', fixture.clock.now() - 5000);
    await scene.live.refresh();
    reader.read(sink.take());
    expect(new Set([...reader.buckets.values()].map(({ type }) => type))).toEqual(new Set(['high']));
    expect(reader.buckets.get(`high:${fixture.clock.now() - 10_000}`)).toMatchObject({ count: 1 });
  });

  it('that is slow holds one piece, and skips what is over', async () => {
    const scene = new Scene();
    const { fixture, reader } = scene;
    scene.connect(1);
    for (let count = 1; count <= 50; count += 1) {
      fixture.add('low', fixture.clock.now() - 5000);
      await scene.live.refresh();
      expect(scene.sink?.waiting.length).toBeLessThan(20_000);
    }
    scene.takeAll();
    expect(reader.events).toBe(14);
    expect(reader.buckets.get(`low:${fixture.clock.now() - 10_000}`)).toMatchObject({ count: 50 });
  });

  it('gets a long window in pieces, one when the one before is taken, and all of it', async () => {
    const scene = new Scene();
    scene.restart('range=1h');
    await scene.live.refresh();
    scene.connect(1);
    let pieces = 0;
    for (; scene.sink?.waiting !== ''; pieces += 1) {
      expect(scene.sink?.waiting.length).toBeLessThan(20_000);
      scene.reader.read(scene.sink?.take() ?? '');
    }
    expect(pieces).toBeGreaterThan(3);
    expect(scene.reader.events).toBe(722);
  });

  it('hears which stores do not answer, once', async () => {
    const scene = new Scene();
    const { fixture, reader } = scene;
    scene.connect();
    for (const state of ['up', 'down', 'down', 'up'] as const) {
      fixture.states.high = state;
      await scene.live.refresh();
    }
    scene.takeAll();
    const ok = { message: 'ok', range: 60_000, step: 10_000, fn: 'count' };
    const errors = [{ type: 'high', code: 'seriesUnavailable', message: 'The store of high is down.' }];
    expect(reader.statuses).toEqual([ok, { ...ok, message: 'partial', errors }, ok]);
  });
});

it('looks again after a rest of four times what it took, and at least the time between looks', async () => {
  const scene = new Scene();
  const { fixture } = scene;
  const stop = new AbortController();
  const running = scene.live.run(stop.signal);
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  await settled();
  expect(fixture.asked.low).toBe(1);
  fixture.timers.advance(999);
  await settled();
  expect(fixture.asked.low).toBe(1);
  fixture.states.low = 'silent';
  fixture.timers.advance(1);
  await settled();
  expect(fixture.asked.low).toBe(2);
  fixture.timers.advance(1500);
  await settled();
  fixture.timers.advance(5999);
  await settled();
  expect(fixture.asked.low).toBe(2);
  fixture.timers.advance(1);
  await settled();
  expect(fixture.asked.low).toBe(3);
  stop.abort();
  fixture.timers.advance(1500);
  await running;
  expect(fixture.timers.pending).toBe(0);
});
