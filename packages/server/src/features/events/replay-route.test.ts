import { expect, test } from 'vitest';
import { MemoryLog } from '../../../test/support/memory-log.ts';
import { MemorySeries, MemorySeriesStore, placeOf } from '../../../test/support/memory-series-store.ts';
import { silentLogger as logger } from '../../../test/support/silent-logger.ts';
import { TestClock } from '../../../test/support/test-clock.ts';
import type { SeriesCapabilities } from '../../engines/series/series-store.ts';
import { createOriginHeaders } from './record-headers.ts';
import { replayRoute } from './replay-route.ts';
import { presetRoutes } from './routes.ts';
import { RoutesLog } from './routes-log.ts';

const { signal } = new AbortController();
const originHeaders = createOriginHeaders();

/** Two partitions of 100 events each, of which every third repeats its forerunner; the route's progress is at 80. */
async function stage(exactlyOnce: SeriesCapabilities['exactlyOnce']) {
  const clock = new TestClock();
  const log = new MemoryLog({ clock });
  const topic = await log.ensureTopic({ name: 'events', partitions: 2 });
  const routes = await RoutesLog.open({ log, topic, clock, logger });
  await routes.ensure(presetRoutes(5));
  const series = new MemorySeries();
  const store = new MemorySeriesStore({ series, exactlyOnce });
  const wanted: number[] = [];
  for (let offset = 0; offset < 100; offset += 1) {
    clock.advance(1000);
    if (offset === 60) await routes.ensure(presetRoutes(8));
    const isRepeat = offset % 3 === 2;
    const amount = offset % 10;
    if (!isRepeat && offset < 80 && amount > (offset < 60 ? 5 : 8)) wanted.push(offset);
    const headers = originHeaders({ key: Buffer.from(`key-${isRepeat ? offset - 1 : offset}`), index: 0 });
    const records = [{ value: Buffer.from(`{"time":${offset},"amount":"${amount}"}`), headers }];
    for (const partition of [0, 1]) await log.append({ topic: 'events', partition, records });
  }
  for (const partition of [0, 1]) {
    const place = { route: 'high', topicId: topic.id, partition };
    await store.readProgress(place, signal);
    const points = wanted.map((offset) => ({ offset, timeMs: offset, amount: offset % 10, amountText: `${offset % 10}` }));
    await store.write({ partition: place, from: 0, to: 80, points }, signal);
  }
  const offsetsOf = (partition: number) =>
    (series.points.get(placeOf({ topicId: topic.id, partition })) ?? []).map(({ offset }) => offset).sort((one, other) => one - other);
  const options = { log, store, topic, routes, route: 'high', partition: undefined, maxFutureSkewMs: 1000, signal };
  return { series, topic, wanted, offsetsOf, options, clock };
}

test('brings back what the store has lost, and nothing else', async () => {
  const { series, topic, wanted, offsetsOf, options } = await stage('transactional');
  const place = placeOf({ topicId: topic.id, partition: 1 });
  series.points.set(
    place,
    (series.points.get(place) ?? []).filter(({ offset }) => offset < 30 || offset > 66),
  );
  const lost = wanted.filter((offset) => offset >= 30 && offset <= 66);
  expect(lost.length).toBeGreaterThan(3);
  const events = (from: number) => wanted.filter((offset) => offset >= from).length;
  const replays = await replayRoute({ ...options, from: { offset: 10 } });
  expect(replays).toEqual([
    { partition: 0, from: 10, to: 80, records: 70, events: events(10), added: 0 },
    { partition: 1, from: 10, to: 80, records: 70, events: events(10), added: lost.length },
  ]);
  for (const partition of [0, 1]) expect(offsetsOf(partition)).toEqual(wanted);
  // The route itself is where it was, and a second replay finds nothing.
  expect(series.progress.get(`high/${place}`)).toBe(80);
  expect((await replayRoute({ ...options, from: { offset: 0 } })).map(({ added }) => added)).toEqual([0, 0]);
  expect(offsetsOf(1)).toEqual(wanted);
});

test('begins at a time of arrival, in one partition', async () => {
  const { options, clock } = await stage('transactional');
  const replays = await replayRoute({ ...options, partition: 1, from: { timeMs: clock.now() - 49_500 } });
  expect(replays).toMatchObject([{ partition: 1, from: 50, to: 80, added: 0 }]);
  expect(await replayRoute({ ...options, partition: 0, from: { timeMs: clock.now() + 1 } })).toMatchObject([
    { from: 80, to: 80, records: 0 },
  ]);
  await expect(replayRoute({ ...options, partition: 2, from: { offset: 0 } })).rejects.toMatchObject({ code: 'badRequest' });
});

test('stores again where that changes nothing', async () => {
  const { series, topic, wanted, offsetsOf, options } = await stage('identity');
  series.points.set(placeOf({ topicId: topic.id, partition: 0 }), []);
  const replays = await replayRoute({ ...options, from: { offset: 0 } });
  expect(replays.map(({ to, added }) => [to, added])).toEqual([
    [100, undefined],
    [100, undefined],
  ]);
  const whole = [
    ...wanted,
    ...Array.from({ length: 20 }, (_, index) => 80 + index).filter((offset) => offset % 3 !== 2 && offset % 10 > 8),
  ];
  for (const partition of [0, 1]) expect(offsetsOf(partition)).toEqual(whole);
});
