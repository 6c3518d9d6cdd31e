import { describe, expect, it } from 'vitest';
import { AggregatorFixture } from '../../../../test/support/aggregator-fixture.ts';
import type { SeriesApi } from './series-api.ts';
import { parseSeriesQuery } from './series-query.ts';

const defaults = { rangeMs: 600_000, stepMs: 10_000, maxPoints: 5000 };

function ask(fixture: AggregatorFixture, api: SeriesApi, text = '') {
  const query = parseSeriesQuery(new URLSearchParams(text), { defaults, nowMs: fixture.clock.now() });
  if (!query.ok) throw new Error(query.problems.join('; '));
  return api.answer(query.value);
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The clock stands at 10:00:00; the last complete bucket begins at 09:59:50. */
const at = (seconds: number) => Date.parse('2026-06-24T09:59:50Z') + seconds * 1000;

describe('answer', () => {
  it('is 60 complete buckets of each series at the same starts, empty ones 0, as text the same as ever', async () => {
    const fixture = new AggregatorFixture();
    for (const seconds of [0, 3, 9.999, -0.001, 10, -600.001]) fixture.add('low', at(seconds));
    for (const seconds of [-10, -600]) fixture.add('high', at(seconds));
    const { status, body } = await ask(fixture, fixture.api());
    expect(status).toBe(200);
    const rows = Array.from({ length: 60 }, (_, index) => at(10 * (index - 59))).flatMap((time) => [
      `{"time":${time},"count":${time === at(0) ? 3 : time === at(-10) ? 1 : 0},"type":"low"}`,
      `{"time":${time},"count":${time === at(-10) ? 1 : 0},"type":"high"}`,
    ]);
    expect(body).toBe(`{"message":"ok","points":[${rows.join(',')}]}\n`);
  });

  it('of a function has its value; empty buckets are filled as asked', async () => {
    const fixture = new AggregatorFixture();
    fixture.add('high', at(1), 6);
    fixture.add('high', at(2), 8);
    const points = async (text: string) => JSON.parse((await ask(fixture, fixture.api(), `type=high&range=20s&${text}`)).body).points;
    const full = { time: at(0), count: 2, type: 'high' };
    const empty = { time: at(-10), type: 'high' };
    expect(await points('fn=avg')).toEqual([
      { ...empty, count: 0, value: 0 },
      { ...full, value: 7 },
    ]);
    expect(await points('fn=max&fill=null')).toEqual([
      { ...empty, count: null, value: null },
      { ...full, value: 8 },
    ]);
    expect(await points('fn=sum&fill=none')).toEqual([{ ...full, value: 14 }]);
    expect(await points('fill=null')).toEqual([{ ...empty, count: null }, full]);
  });

  it('of a sum beyond all numbers is null there', async () => {
    const fixture = new AggregatorFixture();
    fixture.add('high', at(1), Number.MAX_VALUE);
    fixture.add('high', at(2), Number.MAX_VALUE);
    const { body } = await ask(fixture, fixture.api(), 'type=high&range=10s&fn=sum');
    expect(JSON.parse(body).points).toEqual([{ time: at(0), count: 2, type: 'high', value: null }]);
  });

  it('in days of a time zone adds up the hours of the stores', async () => {
    const fixture = new AggregatorFixture();
    for (const text of ['2026-06-22T22:00:00Z', '2026-06-23T21:59:59Z', '2026-06-23T22:00:00Z']) fixture.add('low', Date.parse(text));
    const { body } = await ask(fixture, fixture.api(), 'from=2026-06-23&to=2026-06-24&step=24h&tz=Europe/Berlin&type=low');
    expect(JSON.parse(body).points).toEqual([{ time: Date.parse('2026-06-22T22:00:00Z'), count: 2, type: 'low' }]);
  });

  it('is aligned as it always was where that is asked for: low by the end of a bucket', async () => {
    const fixture = new AggregatorFixture();
    fixture.add('low', at(1));
    fixture.add('high', at(1));
    const { body } = await ask(fixture, fixture.api({ alignment: 'compat' }), 'range=20s');
    expect(JSON.parse(body).points).toEqual([
      { time: at(-10), count: 0, type: 'high' },
      { time: at(0), count: 0, type: 'low' },
      { time: at(0), count: 1, type: 'high' },
      { time: at(10), count: 1, type: 'low' },
    ]);
  });
});

describe('a store that fails', () => {
  it('costs its points, and is named', async () => {
    const fixture = new AggregatorFixture();
    fixture.states.high = 'down';
    const { status, body } = await ask(fixture, fixture.api(), 'range=10s');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      message: 'partial',
      points: [{ time: at(0), count: 0, type: 'low' }],
      errors: [{ type: 'high', code: 'seriesUnavailable', message: 'The store of high is down.' }],
    });
  });

  it('is no reason to say other than ok where clients know no other word', async () => {
    const fixture = new AggregatorFixture();
    fixture.states.high = 'down';
    const { body } = await ask(fixture, fixture.api({ partialMessage: 'ok' }), 'range=10s');
    expect(JSON.parse(body)).toMatchObject({ message: 'ok', errors: [{ type: 'high' }] });
  });

  it('delays the answer by the time for stores, and no longer', async () => {
    const fixture = new AggregatorFixture();
    fixture.states.low = 'silent';
    let isAnswered = false;
    const answering = ask(fixture, fixture.api(), 'range=10s').finally(() => {
      isAnswered = true;
    });
    await settled();
    fixture.timers.advance(1499);
    await settled();
    expect(isAnswered).toBe(false);
    fixture.timers.advance(1);
    expect(JSON.parse((await answering).body)).toMatchObject({
      message: 'partial',
      points: [{ type: 'high' }],
      errors: [{ type: 'low', code: 'seriesUnavailable', message: 'The store of low did not answer: no answer in 1500 ms.' }],
    });
    expect(fixture.timers.pending).toBe(0);
  });

  it('and never comes back is not asked by ever more, and the other one goes on', async () => {
    const fixture = new AggregatorFixture();
    fixture.states.low = 'silent';
    const answering = Array.from({ length: 10 }, (_, index) => ask(fixture, fixture.api(), `range=${index + 1}0s`));
    await settled();
    fixture.timers.advance(1500);
    for (const { body } of await Promise.all(answering)) expect(JSON.parse(body)).toMatchObject({ message: 'partial' });
    expect(fixture.asked).toEqual({ low: 4, high: 10 });
  });

  it.each([
    ['down', 'broken', 503],
    ['broken', 'broken', 502],
  ] as const)('%s and %s: both are told, with %i', async (low, high, status) => {
    const fixture = new AggregatorFixture();
    Object.assign(fixture.states, { low, high });
    const answer = await ask(fixture, fixture.api());
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({
      message: 'no store answered',
      points: null,
      errors: [{ type: 'low' }, { type: 'high' }],
    });
  });
});

describe('many who ask', () => {
  it('at once cost one read, and get the same', async () => {
    const fixture = new AggregatorFixture();
    const api = fixture.api();
    const answers = await Promise.all([ask(fixture, api), ask(fixture, api), ask(fixture, api, 'range=10m')]);
    expect(fixture.asked).toEqual({ low: 1, high: 1 });
    expect(new Set(answers).size).toBe(1);
    await ask(fixture, api);
    expect(fixture.asked.low).toBe(2);
  });

  it('within the time of an answer get it again, from its begin on', async () => {
    const fixture = new AggregatorFixture();
    const api = fixture.api({ cacheMs: 1000 });
    const first = await ask(fixture, api);
    fixture.add('low', at(1));
    fixture.clock.advance(999);
    expect(await ask(fixture, api)).toBe(first);
    fixture.clock.advance(1);
    const later = await ask(fixture, api);
    expect(later.etag).not.toBe(first.etag);
    expect(fixture.asked.low).toBe(2);
  });

  it('for different things never get the answer to another', async () => {
    const fixture = new AggregatorFixture();
    fixture.add('low', at(1), 3);
    const api = fixture.api({ cacheMs: 10_000 });
    const texts = ['range=20s', 'range=20s&fn=sum', 'range=20s&fill=none', 'range=20s&type=low', 'range=20s&step=20s', 'range=30s'];
    const bodies = await Promise.all(texts.map(async (text) => (await ask(fixture, api, text)).body));
    expect(new Set(bodies).size).toBe(texts.length);
  });
});
