import { describe, expect, it } from 'vitest';
import { parseLiveQuery, parseSeriesQuery, parseWindowQuery } from './series-query.ts';

const nowMs = Date.parse('2026-06-24T10:00:07.300Z');
const defaults = { rangeMs: 600_000, stepMs: 10_000, maxPoints: 5000 };
const query = (text: string) => parseSeriesQuery(new URLSearchParams(text), { defaults, nowMs });
const problems = (text: string) => {
  const result = query(text);
  return result.ok ? [] : result.problems;
};
const value = (text: string) => {
  const result = query(text);
  if (!result.ok) throw new Error(result.problems.join('; '));
  return result.value;
};
const spanOf = (text: string) => {
  const { starts, endMs } = value(text).grid;
  return [starts[0], endMs].map((ms) => new Date(ms ?? Number.NaN).toISOString().slice(0, 19));
};

describe('query of a series', () => {
  it('without parameters means the last 60 complete buckets', () => {
    const { types, fn, fill, grid } = value('');
    expect({ types, fn, fill }).toEqual({ types: ['low', 'high'], fn: 'count', fill: 'zero' });
    expect(grid.starts).toHaveLength(60);
    expect(spanOf('')).toEqual(['2026-06-24T09:50:00', '2026-06-24T10:00:00']);
  });

  it.each([
    ['range=1m', '2026-06-24T09:59:00', '2026-06-24T10:00:00'],
    ['from=2026-06-24T09:00:00Z&range=5m', '2026-06-24T09:00:00', '2026-06-24T09:05:00'],
    ['to=2026-06-24T09:00:00Z&range=5m', '2026-06-24T08:55:00', '2026-06-24T09:00:00'],
    ['to=2026-06-24T09:00:00Z', '2026-06-24T08:50:00', '2026-06-24T09:00:00'],
    ['from=2026-06-24T09:58:00Z', '2026-06-24T09:58:00', '2026-06-24T10:00:00'],
    [`from=${Date.parse('2026-06-24T09:00:03Z')}&to=${Date.parse('2026-06-24T09:00:33Z')}`, '2026-06-24T09:00:00', '2026-06-24T09:00:40'],
    ['from=2026-06-24T11:00:00%2B02:00&range=1m', '2026-06-24T09:00:00', '2026-06-24T09:01:00'],
    ['from=2026-06-24T11:00:00+02:00&range=1m', '2026-06-24T09:00:00', '2026-06-24T09:01:00'],
    ['from=2026-06-24T11:00&range=1m&tz=Europe/Berlin', '2026-06-24T09:00:00', '2026-06-24T09:01:00'],
    ['from=2026-06-23&to=2026-06-24&step=24h&tz=Europe/Berlin', '2026-06-22T22:00:00', '2026-06-23T22:00:00'],
    ['from=2026-06-24T09:59:00Z&to=2026-06-24T12:00:00Z', '2026-06-24T09:59:00', '2026-06-24T10:00:00'],
  ])('%s is %s to %s', (text, from, to) => {
    expect(spanOf(text)).toEqual([from, to]);
  });

  it('from the future holds no complete bucket', () => {
    expect(value('from=2026-06-24T11:00:00Z').grid.starts).toEqual([]);
  });

  it('tells everything that is wrong with it at once', () => {
    const found = problems('from=yesterday&to=-1&range=10&step=0s&fn=median&type=mid&fill=x&tz=Mars/Base&stepp=1m&fn=sum');
    expect(found).toHaveLength(11);
    expect(found.join('\n')).toMatch(/"stepp" is no parameter here: did you mean step\?/);
    for (const name of ['from', 'to', 'range', 'step', 'fn', 'type', 'fill', 'tz'])
      expect(found.some((text) => text.startsWith(name))).toBe(true);
  });

  it.each([
    ['from=0&to=1000&range=1s', /at most two/],
    ['from=2000&to=1000', /from must be before to/],
    ['from=2000&to=2000', /from must be before to/],
    ['step=7s&tz=Europe/Berlin', /step must divide a day/],
    ['range=24h&step=10s', /more than 2500 buckets/],
    ['from=275760-01-01', /from must be/],
    ['from=99999999999999999999', /from must be/],
    ['range=1us', /range must be/],
    ['from=1900-01-01&tz=Asia/Kathmandu', /from must be/],
  ])('%s is refused', (text, reason) => {
    expect(problems(text).join('\n')).toMatch(reason);
  });

  it('counts the points of all series against the limit', () => {
    expect(value('range=25000s').grid.starts).toHaveLength(2500);
    expect(problems('range=25010s')).toHaveLength(1);
    expect(value('range=50000s&type=high').grid.starts).toHaveLength(5000);
    expect(problems('range=50010s&type=high')).toHaveLength(1);
  });
});

it('a live query has no ends', () => {
  const live = (text: string) => parseLiveQuery(new URLSearchParams(text), { defaults, nowMs });
  expect(live('step=1m&range=1h&fn=avg&type=low')).toEqual({
    ok: true,
    value: { types: ['low'], fn: 'avg', rangeMs: 3_600_000, rule: { stepMs: 60_000, timeZone: 'UTC' } },
  });
  expect(live('from=0')).toMatchObject({ ok: false, problems: [expect.stringContaining('"from" is no parameter here')] });
  expect(live('range=9999h')).toMatchObject({ ok: false });
});

it('a window is of milliseconds', () => {
  const window = (text: string) => parseWindowQuery(new URLSearchParams(text), { defaults, nowMs });
  expect(window('')).toEqual({ ok: true, value: { fromMs: nowMs - 600_000, toMs: nowMs, types: ['low', 'high'] } });
  expect(window('from=1001&to=2002&type=high')).toEqual({ ok: true, value: { fromMs: 1001, toMs: 2002, types: ['high'] } });
  expect(window('step=10s')).toMatchObject({ ok: false });
});
