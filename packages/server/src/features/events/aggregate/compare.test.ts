import { compareAnswerSchema, type SeriesType } from '@sluice/contract/event-series';
import { describe, expect, it } from 'vitest';
import { AggregatorFixture } from '../../../../test/support/aggregator-fixture.ts';
import { MemoryLog } from '../../../../test/support/memory-log.ts';
import { placeOf } from '../../../../test/support/memory-series-store.ts';
import { silentLogger } from '../../../../test/support/silent-logger.ts';
import type { LogTopic } from '../../../engines/log/log-engine.ts';
import { createOriginHeaders } from '../record-headers.ts';
import { presetRoutes } from '../routes.ts';
import { RoutesLog } from '../routes-log.ts';
import { Compare } from './compare.ts';

const hourMs = 3_600_000;
const partitions = 2;
const types = ['low', 'high'] as const satisfies readonly SeriesType[];

/** A log whose groups have what a test says. */
class LogWithGroups extends MemoryLog {
  /** By group and partition. */
  readonly committed = new Map<string, number>();

  override async groupOffsets(group: string, topic: LogTopic) {
    const ranges = await this.offsets(topic);
    return ranges.map((range, partition) => {
      const committed = this.committed.get(`${group}/${partition}`);
      return { ...range, committed, lag: range.end - (committed ?? range.begin) };
    });
  }
}

interface Sent {
  readonly partition: number;
  readonly amount: number;
  readonly timeMs?: number;
  readonly key?: string;
}

/** A log with routes, and stores that are filled by hand. */
class Scene {
  readonly fixture = new AggregatorFixture();
  readonly log = new LogWithGroups({ clock: this.fixture.clock });
  readonly headers = createOriginHeaders();
  /** End of the window. */
  readonly now = this.fixture.clock.now() + 1;

  static async open(): Promise<Scene> {
    const scene = new Scene();
    const topic = await scene.log.ensureTopic({ name: 'events', partitions });
    const routes = await RoutesLog.open({ log: scene.log, topic, clock: scene.fixture.clock, logger: silentLogger });
    await routes.ensure(presetRoutes(5));
    return scene;
  }

  compare({ maxRecords }: { maxRecords?: number } = {}): Compare {
    const { fixture, log } = this;
    return new Compare({
      log,
      topic: 'events',
      groupOf: (type) => `group-${type}`,
      maxFutureSkewMs: 24 * hourMs,
      reads: fixture.reads,
      clock: fixture.clock,
      startTimer: fixture.timers.start,
      logger: silentLogger,
      ...(maxRecords !== undefined && { maxRecords }),
    });
  }

  async answer(compare = this.compare()) {
    const { status, body } = await compare.answer({ fromMs: this.now - 600_000, toMs: this.now, types });
    return { status, ...compareAnswerSchema.parse(JSON.parse(body)) };
  }

  /** Returns the offset. */
  async append({ partition, amount, timeMs = this.now - 1, key }: Sent): Promise<number> {
    const headers = key === undefined ? {} : { headers: this.headers({ key: Buffer.from(key), index: 0 }) };
    const value = Buffer.from(JSON.stringify({ time: timeMs, amount: String(amount) }));
    return (await this.log.append({ topic: 'events', partition, records: [{ value, ...headers }] })).offset;
  }

  async store(
    type: SeriesType,
    { partition, offset, timeMs = this.now - 1 }: { partition: number; offset: number; timeMs?: number },
  ): Promise<void> {
    const topicId = (await this.log.topic('events'))?.id ?? '';
    const place = placeOf({ topicId, partition });
    const { points } = this.fixture.series[type];
    points.set(place, [...(points.get(place) ?? []), { offset, timeMs, amount: 1, amountText: '1' }]);
  }

  async appendAndStore(sent: Sent): Promise<void> {
    const offset = await this.append(sent);
    const { partition, timeMs = this.now - 1 } = sent;
    await this.store(sent.amount > 5 ? 'high' : 'low', { partition, offset, timeMs });
  }

  handled(): void {
    for (const type of types)
      for (let partition = 0; partition < partitions; partition += 1) this.log.committed.set(`group-${type}/${partition}`, 1000);
  }
}

const clean = { missing: 0, double: 0, stray: 0, pending: 0 };

describe('comparison of the stores with the log', () => {
  it('finds that all is where it belongs, by partition, within the window', async () => {
    const scene = await Scene.open();
    for (const amount of [1, 5, 6, 9]) await scene.appendAndStore({ partition: 0, amount });
    await scene.appendAndStore({ partition: 1, amount: 9 });
    await scene.appendAndStore({ partition: 1, amount: 9, timeMs: scene.now });
    await scene.appendAndStore({ partition: 1, amount: 9, timeMs: scene.now - 600_001 });
    await scene.log.append({ topic: 'events', partition: 1, records: [{ value: Buffer.from('no event') }, { value: null }] });
    scene.handled();
    expect(await scene.answer()).toEqual({
      status: 200,
      message: 'ok',
      from: scene.now - 600_000,
      to: scene.now,
      topic: 'events',
      topicId: (await scene.log.topic('events'))?.id,
      complete: true,
      partitions: [
        {
          partition: 0,
          fromOffset: 0,
          toOffset: 4,
          events: 4,
          inBoth: 0,
          types: [
            { type: 'low', expected: 2, stored: 2, ...clean },
            { type: 'high', expected: 2, stored: 2, ...clean },
          ],
        },
        {
          partition: 1,
          fromOffset: 0,
          toOffset: 5,
          events: 1,
          inBoth: 0,
          types: [
            { type: 'low', expected: 0, stored: 0, ...clean },
            { type: 'high', expected: 1, stored: 1, ...clean },
          ],
        },
      ],
      unverified: [
        { type: 'low', points: 0 },
        { type: 'high', points: 0 },
      ],
      findings: [],
    });
  });

  it('finds what is missing, double, in both, or where it does not belong', async () => {
    const scene = await Scene.open();
    const missing = await scene.append({ partition: 0, amount: 1 });
    const double = await scene.append({ partition: 0, amount: 9 });
    const inBoth = await scene.append({ partition: 1, amount: 9 });
    const stray = await scene.append({ partition: 1, amount: 2 });
    for (const offset of [double, double]) await scene.store('high', { partition: 0, offset });
    for (const type of types) await scene.store(type, { partition: 1, offset: inBoth });
    await scene.store('high', { partition: 1, offset: stray });
    scene.handled();
    const { message, findings, partitions: found } = await scene.answer();
    expect(message).toBe('different');
    const wanted = [
      { kind: 'missing', type: 'low', partition: 0, offset: missing },
      { kind: 'double', type: 'high', partition: 0, offset: double },
      { kind: 'inBoth', type: null, partition: 1, offset: inBoth },
      { kind: 'missing', type: 'low', partition: 1, offset: stray },
      { kind: 'stray', type: 'high', partition: 1, offset: stray },
    ];
    expect(findings).toHaveLength(wanted.length);
    expect(findings).toEqual(expect.arrayContaining(wanted));
    expect(found.map((one) => one.inBoth)).toEqual([0, 1]);
  });

  it('takes what is not handled yet for no loss', async () => {
    const scene = await Scene.open();
    for (const partition of [0, 0, 1]) await scene.append({ partition, amount: 1 });
    scene.log.committed.set('group-low/0', 1);
    const { message, findings, partitions: found } = await scene.answer();
    expect(message).toBe('different');
    expect(findings).toEqual([{ kind: 'missing', type: 'low', partition: 0, offset: 0 }]);
    expect(found.map((one) => one.types[0])).toMatchObject([
      { missing: 1, pending: 1 },
      { missing: 0, pending: 1 },
    ]);
  });

  it('knows repeats, also of what was sent before the records it looks at', async () => {
    const scene = await Scene.open();
    await scene.append({ partition: 0, amount: 1, key: 'once', timeMs: 1 });
    scene.fixture.clock.advance(20 * hourMs);
    const again = { partition: 0, amount: 1, key: 'once', timeMs: scene.fixture.clock.now() };
    const offset = await scene.append(again);
    scene.handled();
    const { body } = await scene
      .compare({ maxRecords: 2 })
      .answer({ fromMs: scene.fixture.clock.now(), toMs: scene.fixture.clock.now() + 1, types });
    expect(compareAnswerSchema.parse(JSON.parse(body))).toMatchObject({
      message: 'ok',
      partitions: [{ fromOffset: offset, events: 0 }, {}],
    });
  });

  it('says which points it could not look at: those of a topic before', async () => {
    const scene = await Scene.open();
    scene.fixture.add('low', scene.now - 5);
    expect(await scene.answer()).toMatchObject({
      message: 'ok',
      unverified: [
        { type: 'low', points: 1 },
        { type: 'high', points: 0 },
      ],
    });
  });

  it('looks at no more records than it may, those that came since the begin of the window first', async () => {
    const scene = await Scene.open();
    for (const _ of [1, 2, 3]) await scene.appendAndStore({ partition: 0, amount: 1 });
    scene.fixture.clock.advance(10 * hourMs);
    const from = scene.fixture.clock.now();
    for (const _ of [1, 2, 3]) await scene.appendAndStore({ partition: 0, amount: 1, timeMs: from });
    scene.handled();
    const look = async (maxRecords: number) => {
      const { body } = await scene.compare({ maxRecords }).answer({ fromMs: from, toMs: from + 1, types });
      const { complete, partitions: found } = compareAnswerSchema.parse(JSON.parse(body));
      return { complete, offsets: [found[0]?.fromOffset, found[0]?.toOffset], stored: found[0]?.types[0]?.stored };
    };
    expect(await look(12)).toEqual({ complete: true, offsets: [0, 6], stored: 3 });
    expect(await look(10)).toEqual({ complete: false, offsets: [3, 6], stored: 3 });
    expect(await look(4)).toEqual({ complete: false, offsets: [3, 5], stored: 2 });
  });

  it('does without a store that does not answer, and says so', async () => {
    const scene = await Scene.open();
    await scene.appendAndStore({ partition: 0, amount: 1 });
    scene.handled();
    scene.fixture.states.high = 'down';
    expect(await scene.answer()).toMatchObject({
      status: 200,
      message: 'partial',
      partitions: [{ types: [{ type: 'low', stored: 1 }] }, {}],
      errors: [{ type: 'high', code: 'seriesUnavailable' }],
    });
    // It is not waited for again.
    expect(scene.fixture.calls).not.toContain('high: read offsets');
    scene.fixture.states.low = 'down';
    const { status } = await scene.compare().answer({ fromMs: 0, toMs: 1, types });
    expect(status).toBe(503);
  });

  it('is made one at a time', async () => {
    const scene = await Scene.open();
    const compare = scene.compare();
    const first = scene.answer(compare);
    await expect(scene.answer(compare)).rejects.toMatchObject({ code: 'overloaded' });
    expect(await first).toMatchObject({ message: 'ok' });
    expect(await scene.answer(compare)).toMatchObject({ message: 'ok' });
  });

  it('needs the topic', async () => {
    const scene = await Scene.open();
    await scene.log.deleteTopic('events');
    await expect(scene.answer()).rejects.toMatchObject({ code: 'logTopicNotFound' });
  });
});
